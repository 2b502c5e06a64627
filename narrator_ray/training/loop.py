"""The training loop: batches in their order, forward, backward, step by step. Knows no Ray and no catalogue.

One process alone, or the same loop in each of several that take every step together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError, TrainingFailed
from narrator_ray.training.batches import TensorBatch
from narrator_ray.training.engine import Engine, TorchEngine
from narrator_ray.training.examples import Sample
from narrator_ray.training.learner import Learner
from narrator_ray.training.order import Batch, BatchOrder, Place
from narrator_ray.training.read_ahead import read_ahead
from narrator_ray.training.schedule import learning_rate
from narrator_ray.training.step_report import StepReport
from narrator_ray.training.workers import Alone, Workers

__all__ = ["StepReport", "TrainingLoop"]

_PLACE = "place.json"
_STEPS_AHEAD = 2
"""Steps whose samples are read while the model is at work."""


@dataclass(frozen=True, slots=True)
class _Share:
    """A batch of this worker's; where it has none, one that does not count, because all workers must take part."""

    batch: TensorBatch
    counts: bool

    @property
    def num_supervised(self) -> int:
        return self.batch.num_supervised if self.counts else 0

    @property
    def num_tokens(self) -> int:
        return self.batch.num_tokens if self.counts else 0


class TrainingLoop:
    """Trains a learner on samples, from where it stands to the last epoch.

    The same samples, settings and seed give the same steps, also when training stops and goes on: order and learning
    rate depend on nothing but the place. A step is ``num_workers`` x ``accumulate_batches`` batches, whoever takes it:
    fewer workers take more batches each, more workers share them out. A training that goes on keeps the step that it
    began with. Other numbers of workers differ in dropout and in rounding, and in nothing else.

    Args:
        learner: What is trained.
        samples: Of all videos: one for every clip, or one packed for every video.
        settings: The recipe.
        engine: Who takes the steps; PyTorch alone if not given.
        workers: Those that train together; all are given the same learner, samples and settings.
        lengths: Tokens of each sample; counted if not given.

    Attributes:
        num_steps: Of the whole training.
        step: The next one.
        engine: Who takes the steps.
    """

    def __init__(
        self,
        learner: Learner,
        samples: Sequence[Sample],
        settings: TrainingSettings,
        engine: Engine | None = None,
        workers: Workers | None = None,
        lengths: Sequence[int] | None = None,
    ) -> None:
        self._workers = workers or Alone()
        self._learner = learner
        self._samples = samples
        self._settings = settings
        counted = [len(sample.input_ids) for sample in samples] if lengths is None else lengths
        self._order = BatchOrder(counted, settings.batch_tokens, settings.seed)
        self._go_to(Place(), settings.num_workers * settings.accumulate_batches)
        self.engine: Engine = engine or TorchEngine(learner, settings, self._workers)

    def run(self) -> Iterator[StepReport]:
        """All steps that are left, each reported when it is done.

        Raises:
            TrainingFailed: The loss is not a number any more; nothing was changed in that step.
        """
        for (epoch, after, _), shares, waited_s in read_ahead(self._steps_left(), self._read, _STEPS_AHEAD):
            report = self._take_step(epoch, shares, waited_s)
            self._place = after
            self.step += 1
            yield report

    def save(self, folder: Path) -> None:
        """Write what is needed to go on after the last step; all workers write into the same folder or one each."""
        self.engine.save(folder)
        if self._workers.index == 0:
            place = {
                "epoch": self._place.epoch,
                "num_batches": self._place.num_batches,
                "batches_per_step": self._batches_per_step,
                **self._makers(),
            }
            (folder / _PLACE).write_text(json.dumps(place), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Go on after the step at which :meth:`save` was called.

        Raises:
            ConfigError: Other settings wrote it, another version did, or as many workers as these cannot go on from it.
        """
        place = json.loads((folder / _PLACE).read_text(encoding="utf-8"))
        if missing := {"epoch", "num_batches", "batches_per_step", *self._makers()} - place.keys():
            raise ConfigError(
                f"{folder / _PLACE}: says nothing of {', '.join(sorted(missing))}: the checkpoint is of another "
                "version of narrator-ray; go on with that one, or remove the training's folder and begin anew"
            )
        self._check_makers(place)
        self.engine.load(folder)
        self._go_to(Place(place["epoch"], place["num_batches"]), place["batches_per_step"])

    def state(self) -> dict[str, Any]:
        """All that is needed to go on after the last step: tensors and numbers. Where PyTorch alone takes the steps."""
        return {
            "epoch": self._place.epoch,
            "num_batches": self._place.num_batches,
            **self._torch_engine.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state` was asked.

        Raises:
            ConfigError: It belongs to another model or other LoRA settings.
        """
        self._torch_engine.restore(state)
        self._go_to(Place(state["epoch"], state["num_batches"]), self._batches_per_step)

    @property
    def _torch_engine(self) -> TorchEngine:
        assert isinstance(self.engine, TorchEngine), "DeepSpeed writes its state in files: save, load"
        return self.engine

    def _go_to(self, place: Place, batches_per_step: int) -> None:
        self._place = place
        self._batches_per_step = batches_per_step
        self.step = self._steps_before(place)
        self.num_steps = self._steps_before(Place(self._settings.epochs))

    def _makers(self) -> dict[str, Any]:
        """On whom a saved state depends."""
        name = "torch" if isinstance(self.engine, TorchEngine) else "deepspeed"
        return {"engine": name, "zero_stage": self._settings.zero_stage, "num_workers": self._workers.count}

    def _check_makers(self, saved: Mapping[str, Any]) -> None:
        now = self._makers()
        if now["engine"] != saved["engine"]:
            raise ConfigError(
                f"the checkpoint was written by training.engine={saved['engine']}, this is {now['engine']}: "
                f"set training.engine={saved['engine']} to go on"
            )
        is_bound = now["engine"] == "deepspeed" and max(saved["zero_stage"], now["zero_stage"]) > 0
        if is_bound and any(now[what] != saved[what] for what in ("zero_stage", "num_workers")):
            raise ConfigError(
                f"the checkpoint is of {saved['num_workers']} workers with training.zero_stage={saved['zero_stage']}, "
                f"which share the optimiser state out; these are {now['num_workers']} with {now['zero_stage']}: go on "
                f"with training.num_workers={saved['num_workers']} training.zero_stage={saved['zero_stage']}; only "
                "trainings with zero_stage=0 or engine=torch are taken up by other numbers of workers"
            )

    def _steps_before(self, place: Place) -> int:
        """Steps up to a place."""
        whole = sum(self._order.num_steps(epoch, self._batches_per_step) for epoch in range(place.epoch))
        return whole + place.num_batches // self._batches_per_step

    def _steps_left(self) -> Iterator[tuple[int, Place, list[Batch]]]:
        """Epoch, place after it and this worker's batches of every step from here."""
        place = self._place
        while place.epoch < self._settings.epochs:
            for rounds, after in self._order.steps(place, self._batches_per_step, self._workers.count):
                yield place.epoch, after, [batches[self._workers.index] for batches in rounds]
            place = Place(place.epoch + 1)

    def _read(self, step: tuple[int, Place, list[Batch]]) -> list[_Share]:
        pad = self._learner.narrator.tokenizer.pad_token_id
        return [
            _Share(TensorBatch.of([self._samples[index] for index in batch or (0,)], pad), bool(batch))
            for batch in step[2]
        ]

    def _take_step(self, epoch: int, shares: Sequence[_Share], waited_s: float) -> StepReport:
        torch.manual_seed(self._seed())
        self._learner.narrator.train()
        own = [sum(share.num_supervised for share in shares), sum(share.num_tokens for share in shares)]
        num_supervised, num_tokens = map(int, self._workers.summed(own))
        own_loss = 0.0
        for place, share in enumerate(shares, 1):
            part = self.engine.loss(share.batch) * (share.counts / num_supervised)
            self.engine.backward(part, is_last=place == len(shares))
            own_loss += part.item()
        (loss,) = self._workers.summed([own_loss])
        if not math.isfinite(loss):
            raise TrainingFailed(
                f"step {self.step}: the loss is {loss}: go on from an earlier checkpoint with a lower "
                "training.learning_rate, or with another training.precision"
            )
        rate = learning_rate(self.step, self.num_steps, self._settings)
        norm = self.engine.step(rate)
        count = self._workers.count
        return StepReport(self.step, epoch, loss, rate, norm, num_tokens, num_supervised, waited_s, count)

    def _seed(self) -> int:
        """Of this step's dropout in this process."""
        sequence = np.random.SeedSequence((self._settings.seed, self.step, self._workers.index))
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
