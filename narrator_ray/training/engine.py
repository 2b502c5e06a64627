"""Who takes the steps of a training: what an engine is asked for, and the engine of PyTorch alone.

Every worker keeps all that is trained and its optimiser state; gradients are summed, so all stay equal. A training is
taken up by any number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from narrator_ray.config import TrainingSettings
from narrator_ray.training.batches import TensorBatch, summed_loss
from narrator_ray.training.learner import Learner
from narrator_ray.training.workers import Alone, Workers

BETAS, EPSILON = (0.9, 0.999), 1e-8
_STATE = "torch.pt"


class Engine(Protocol):
    """Backward passes and steps of the optimiser. All workers make the same calls in the same order."""

    def loss(self, batch: TensorBatch) -> Tensor:
        """Cross entropy of the supervised tokens of a batch, summed."""

    def backward(self, loss: Tensor, is_last: bool) -> None:
        """Add a loss's gradients to those of the step; the last batch of the step says so."""

    def step(self, rate: float) -> float:
        """Take the step with that learning rate; the length of the gradient before it was clipped."""

    def weights(self) -> dict[str, Tensor]:
        """All that is trained in full precision, by its name in the narrator, on the host."""

    def save(self, folder: Path) -> None:
        """Write what this worker needs to go on."""

    def load(self, folder: Path) -> None:
        """Go on from what the workers wrote."""


class TorchEngine:
    """Steps of PyTorch's AdamW.

    Args:
        learner: What is trained.
        settings: The recipe.
        workers: Those that train together.
    """

    def __init__(self, learner: Learner, settings: TrainingSettings, workers: Workers | None = None) -> None:
        self._learner = learner
        self._workers = workers or Alone()
        self._max_norm = settings.max_gradient_norm
        self._weights = list(learner.trained.values())
        self._optimizer = torch.optim.AdamW(
            self._weights, lr=settings.learning_rate, betas=BETAS, eps=EPSILON, weight_decay=settings.weight_decay
        )
        self._scaler = torch.amp.GradScaler(learner.narrator.device.type, enabled=learner.precision == "fp16")

    def loss(self, batch: TensorBatch) -> Tensor:
        """See :class:`Engine`."""
        return summed_loss(self._learner.narrator, batch)

    def backward(self, loss: Tensor, is_last: bool) -> None:
        """See :class:`Engine`."""
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if is_last:
            self._workers.sum_gradients(self._weights)

    def step(self, rate: float) -> float:
        """See :class:`Engine`."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._scaler.unscale_(self._optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self._weights, self._max_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        return norm.item()

    def weights(self) -> dict[str, Tensor]:
        """See :class:`Engine`."""
        return {name: weight.cpu() for name, weight in self._learner.state().items()}

    def save(self, folder: Path) -> None:
        """One file, by the first worker: all have the same."""
        if self._workers.index == 0:
            torch.save(self.state(), folder / _STATE)

    def load(self, folder: Path) -> None:
        """See :class:`Engine`."""
        self.restore(torch.load(folder / _STATE, weights_only=True, map_location=self._learner.narrator.device))

    def state(self) -> dict[str, Any]:
        """All that is needed to go on: tensors and numbers, nothing else."""
        return {
            "trained": self._learner.state(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state` was asked.

        Raises:
            ConfigError: It belongs to another model or other LoRA settings.
        """
        self._learner.restore(state["trained"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
