"""The settings that DeepSpeed takes, derived from ours: a plain object, saved and shown as JSON. Loads no deepspeed.

There is no scheduler among them: the learning rate is set step by step (see ``training.schedule``). A scheduler here
would compete with it, as in the released configuration.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError

_BUCKET_ELEMENTS = 200_000_000
"""Gradients that are exchanged together; DeepSpeed's buffers grow with it."""


def chosen_engine(settings: TrainingSettings) -> str:
    """The engine, ``auto`` resolved.

    Raises:
        ConfigError: DeepSpeed is asked for and not installed.
    """
    is_installed = find_spec("deepspeed") is not None
    if settings.engine == "deepspeed" and not is_installed:
        raise ConfigError(
            "training.engine: DeepSpeed is not installed: run `pip install 'narrator-ray[train]'`, or take "
            "training.engine=torch"
        )
    if settings.engine == "auto":
        return "deepspeed" if is_installed and settings.num_workers > 1 else "torch"
    return settings.engine


def deepspeed_settings(
    settings: TrainingSettings, num_workers: int, precision: Literal["bf16", "fp16", "fp32"]
) -> dict[str, Any]:
    """The configuration for ``deepspeed.initialize``.

    Args:
        settings: The recipe.
        num_workers: Processes that train together.
        precision: What the model computes in (``auto`` resolved).
    """
    return {
        # DeepSpeed counts batches as one sample: their sizes vary, and the loss is divided by tokens, not by samples.
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": settings.accumulate_batches,
        "train_batch_size": num_workers * settings.accumulate_batches,
        "gradient_clipping": settings.max_gradient_norm,
        "optimizer": {
            "type": "AdamW",
            "params": {
                "lr": settings.learning_rate,
                "betas": [0.9, 0.999],
                "eps": 1e-8,
                "weight_decay": settings.weight_decay,
                "torch_adam": not settings.offload_optimizer,
            },
        },
        # Elsewhere what is trained is float32 among frozen weights in bf16, of which DeepSpeed needs to know nothing.
        "bf16": {"enabled": precision == "bf16" and settings.zero_stage == 3},
        "fp16": {"enabled": precision == "fp16"},
        "zero_optimization": _zero(settings),
    }


def _zero(settings: TrainingSettings) -> dict[str, Any]:
    """What is shared out between workers, and where it lies."""
    zero: dict[str, Any] = {"stage": settings.zero_stage}
    if settings.zero_stage >= 1:
        zero |= {
            "overlap_comm": True,
            "contiguous_gradients": True,
            "reduce_bucket_size": _BUCKET_ELEMENTS,
            "allgather_bucket_size": _BUCKET_ELEMENTS,
        }
    if settings.zero_stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    if settings.offload_optimizer:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    return zero
