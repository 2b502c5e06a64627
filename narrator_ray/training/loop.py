"""The training loop of one process: forward, backward, optimiser, step by step. Knows no Ray and no catalogue."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import TrainingFailed
from narrator_ray.training.batches import TensorBatch, summed_loss
from narrator_ray.training.examples import Sample
from narrator_ray.training.learner import Learner
from narrator_ray.training.order import Batch, BatchOrder, Place
from narrator_ray.training.schedule import learning_rate

_BETAS, _EPSILON = (0.9, 0.999), 1e-8
_STEPS_PER_SEED = 10_000_019


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step that is done.

    Attributes:
        step: 0-based.
        epoch: It belongs to.
        loss: Mean cross entropy of the supervised tokens, before the step.
        learning_rate: It was taken with.
        gradient_norm: Before it was clipped.
        num_tokens: Through the model, padding included.
        num_supervised: Tokens that counted in the loss.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    num_tokens: int
    num_supervised: int


class TrainingLoop:
    """Trains a learner on samples, from where it stands to the last epoch.

    The same samples, settings and seed give the same steps, also when training stops and goes on: order, dropout and
    learning rate depend on nothing but the step.

    Args:
        learner: What is trained.
        samples: Of all videos: one for every clip, or one packed for every video.
        settings: The recipe.

    Attributes:
        num_steps: Of the whole training.
        step: The next one.
    """

    def __init__(self, learner: Learner, samples: Sequence[Sample], settings: TrainingSettings) -> None:
        self._learner = learner
        self._samples = samples
        self._settings = settings
        self._order = BatchOrder([len(sample.input_ids) for sample in samples], settings.batch_tokens, settings.seed)
        self._place = Place()
        self.step = 0
        rounds = (self._order.num_rounds(epoch) for epoch in range(settings.epochs))
        self.num_steps = sum(-(-count // settings.accumulate_batches) for count in rounds)
        self._weights = list(learner.trained.values())
        self._optimizer = torch.optim.AdamW(
            self._weights, lr=settings.learning_rate, betas=_BETAS, eps=_EPSILON, weight_decay=settings.weight_decay
        )
        self._scaler = torch.amp.GradScaler(learner.narrator.device.type, enabled=learner.precision == "fp16")

    def run(self) -> Iterator[StepReport]:
        """All steps that are left, each reported when it is done.

        Raises:
            TrainingFailed: The loss is not a number any more; nothing was changed in that step.
        """
        while self._place.epoch < self._settings.epochs:
            rounds = self._order.rounds(self._place)
            while together := list(islice(rounds, self._settings.accumulate_batches)):
                report = self._take_step([batches[0] for batches, _ in together])
                self._place = together[-1][1]
                self.step += 1
                yield report

    def state(self) -> dict[str, Any]:
        """All that is needed to go on after the last step: tensors and numbers, nothing else."""
        return {
            "step": self.step,
            "epoch": self._place.epoch,
            "num_batches": self._place.num_batches,
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
        self._place = Place(state["epoch"], state["num_batches"])
        self.step = state["step"]

    def _take_step(self, chosen: Sequence[Batch]) -> StepReport:
        torch.manual_seed(self._settings.seed * _STEPS_PER_SEED + self.step)
        narrator = self._learner.narrator.train()
        pad = narrator.tokenizer.pad_token_id
        batches = [TensorBatch.of([self._samples[index] for index in batch], pad) for batch in chosen]
        num_supervised = sum(batch.num_supervised for batch in batches)
        loss = 0.0
        for batch in batches:
            share = summed_loss(narrator, batch) / num_supervised
            self._scaler.scale(share).backward()  # type: ignore[no-untyped-call]
            loss += share.item()
        if not math.isfinite(loss):
            raise TrainingFailed(
                f"step {self.step}: the loss is {loss}: go on from an earlier checkpoint with a lower "
                "training.learning_rate, or with another training.precision"
            )
        rate = learning_rate(self.step, self.num_steps, self._settings)
        norm = self._update(rate)
        num_tokens = sum(batch.num_tokens for batch in batches)
        return StepReport(self.step, self._place.epoch, loss, rate, norm, num_tokens, num_supervised)

    def _update(self, rate: float) -> float:
        """One step of the optimiser; the length of the gradient it found."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._scaler.unscale_(self._optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self._weights, self._settings.max_gradient_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        return norm.item()
