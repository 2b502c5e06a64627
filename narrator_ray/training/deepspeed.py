"""The settings that DeepSpeed takes, derived from ours: a plain object, saved and shown as JSON. Loads no deepspeed.

There is no scheduler among them: the learning rate is set step by step (see ``training.schedule``). A scheduler here
would compete with it, as in the released configuration.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import Any, Literal

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError

_BUCKET_ELEMENTS = 200_000_000
"""Gradients that are exchanged together; DeepSpeed's buffers grow with it."""


def chosen_engine(settings: TrainingSettings) -> str:
    """The engine, ``auto`` resolved.

    Raises:
        ConfigError: DeepSpeed is asked for and not installed, or something that only DeepSpeed does, or that workers
            come and go which share out what they keep.
    """
    engine = _engine(settings)
    if settings.min_workers and engine == "deepspeed" and settings.zero_stage > 0:
        raise ConfigError(
            "training.min_workers: DeepSpeed shares the optimiser state out between as many workers as there are "
            f"(training.zero_stage={settings.zero_stage}), and no other number of them can go on with it: set "
            "training.engine=torch or training.zero_stage=0, or training.min_workers=0"
        )
    if settings.offload_optimizer and engine == "torch":
        raise ConfigError(
            "training.offload_optimizer: only DeepSpeed does that, and PyTorch alone is to take the steps: set "
            "training.engine=deepspeed"
        )
    return engine


def check_compiler(settings: TrainingSettings) -> None:
    """Make sure that DeepSpeed can compile its optimiser for the host, which takes minutes the first time.

    Raises:
        ConfigError: It is needed, and there is no C++ compiler or no ninja here.
    """
    missing = [name for name in ("c++", "ninja") if shutil.which(name) is None]
    if settings.offload_optimizer and missing:
        raise ConfigError(
            f"training.offload_optimizer: DeepSpeed compiles its optimiser and needs {' and '.join(missing)} on every "
            "worker: run `apt-get install g++ ninja-build` there, or set training.offload_optimizer=false"
        )


def _engine(settings: TrainingSettings) -> str:
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

    Raises:
        ConfigError: They cannot be used together.
    """
    if precision == "fp16" and settings.zero_stage == 0:
        raise ConfigError("training.precision: fp16 with DeepSpeed needs training.zero_stage 1 or more")
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
