"""The engine of DeepSpeed: what is trained, its gradients and its optimiser state shared out between the workers.

In fp32 and bf16 what is trained is kept in float32, as everywhere here, and DeepSpeed is told of no half precision:
steps are those of PyTorch alone, to rounding. In fp16, and where weights are shared out (ZeRO-3), DeepSpeed's own mixed
precision takes over, with master weights in float32. Needs a group of processes, even for one worker.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from narrator_ray.config import TrainingSettings
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.training.batches import TensorBatch, summed_loss
from narrator_ray.training.deepspeed import check_compiler, deepspeed_settings
from narrator_ray.training.learner import Learner
from narrator_ray.training.workers import Workers

_TAG = "shards"
_SHARED_MEMORY_OP = "deepspeed_shm_comm"


class DeepSpeedEngine:
    """Steps of DeepSpeed.

    Args:
        learner: What is trained.
        settings: The recipe.
        workers: Those that train together.

    Raises:
        ConfigError: The settings cannot be used together.
    """

    def __init__(self, learner: Learner, settings: TrainingSettings, workers: Workers) -> None:
        check_compiler(settings)
        self._trained = dict(learner.trained)
        self._num_workers = workers.count
        self._max_norm = settings.max_gradient_norm
        self._is_shared_out = settings.zero_stage > 0
        config = deepspeed_settings(settings, workers.count, learner.precision)
        deepspeed = _deepspeed(learner.narrator.device.type)
        self._engine: Any
        self._engine, *_ = deepspeed.initialize(
            model=_Loss(learner.narrator), model_parameters=list(self._trained.values()), config=config
        )
        self._engine.checkpoint_engine.load = _load_data

    def loss(self, batch: TensorBatch) -> Tensor:
        """See :class:`narrator_ray.training.engine.Engine`."""
        loss: Tensor = self._engine(batch)
        return loss

    def backward(self, loss: Tensor, is_last: bool) -> None:
        """DeepSpeed takes means over workers; what is wanted are sums."""
        self._engine.set_gradient_accumulation_boundary(is_last)
        self._engine.backward(loss * self._num_workers, scale_wrt_gas=False)
        if not is_last:
            self._engine.step()  # counts the batch

    def step(self, rate: float) -> float:
        """See :class:`narrator_ray.training.engine.Engine`."""
        for group in self._engine.optimizer.param_groups:
            group["lr"] = rate
        own_norm = None if self._is_shared_out else self._norm()
        self._engine.step()
        return float(own_norm if own_norm is not None else self._engine.get_global_grad_norm())

    def weights(self) -> dict[str, Tensor]:
        """See :class:`narrator_ray.training.engine.Engine`. All workers must ask: each has a part."""
        from deepspeed.utils import safe_get_full_fp32_param

        full = {}
        for name, weight in self._trained.items():
            master = safe_get_full_fp32_param(weight) if self._is_shared_out else weight
            full[name] = master.detach().float().cpu().clone()
        return full

    def save(self, folder: Path) -> None:
        """Each worker its shards; frozen weights are in none."""
        self._engine.save_checkpoint(str(folder), tag=_TAG, exclude_frozen_parameters=True)

    def load(self, folder: Path) -> None:
        """See :class:`narrator_ray.training.engine.Engine`."""
        self._engine.load_checkpoint(str(folder), tag=_TAG, load_module_strict=False, load_lr_scheduler_states=False)

    def _norm(self) -> float:
        """Length of the summed gradient, which DeepSpeed keeps to itself where nothing is shared out."""
        gradients = [weight.grad for weight in self._trained.values() if weight.grad is not None]
        return float(torch.nn.utils.get_total_norm(gradients))


class _Loss(nn.Module):
    """The narrator as DeepSpeed wants a model: what goes in comes out as a loss."""

    def __init__(self, narrator: VideoNarrator) -> None:
        super().__init__()
        self.narrator = narrator

    def forward(self, batch: TensorBatch) -> Tensor:
        return summed_loss(self.narrator, batch)


def _deepspeed(device: str) -> Any:
    """The package, quiet and without operations that it would have to compile first."""
    if device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    import deepspeed

    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    if device == "cpu":
        deepspeed.ops.__compatible_ops__[_SHARED_MEMORY_OP] = False  # else g++ compiles it; gloo does the same
    return deepspeed


def _load_data(path: str, map_location: Any = None) -> Any:
    """A shard in place of DeepSpeed's own reader, which would run code that a file brings along."""
    from deepspeed.runtime.fp16.loss_scaler import DynamicLossScaler, LossScaler
    from deepspeed.runtime.zero.config import ZeroStageEnum
    from deepspeed.utils.tensor_fragment import fragment_address

    with torch.serialization.safe_globals([DynamicLossScaler, LossScaler, ZeroStageEnum, fragment_address]):
        return torch.load(path, map_location=map_location, weights_only=True)
