"""The settings that DeepSpeed takes, derived from ours: a plain object, saved and shown as JSON. Loads no deepspeed.

There is no scheduler among them: the learning rate is set step by step (see ``training.schedule``). A scheduler here
would compete with it, as in the released configuration.
"""

from __future__ import annotations

from typing import Any, Literal

from narrator_ray.config import TrainingSettings

_BUCKET_ELEMENTS = 200_000_000
"""Gradients that are exchanged together; DeepSpeed's buffers grow with it."""


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
        "bf16": {"enabled": precision == "bf16"},
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
