"""One worker of a training: takes it up where it stood, takes every step with the others, leaves checkpoints.

Runs inside Ray Train, which made the group of processes and ends it. An error that all workers meet alike (a setting, a
loss that is no number) is left on the board and ends the training: it would come again. Any other is taken for a loss,
and training goes on from the last checkpoint.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.train
from ray.train import CheckpointConsistencyMode

from narrator_ray.config import Config
from narrator_ray.errors import ConfigError, TrainingFailed
from narrator_ray.model.presets import Preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.runs.work import Fingerprints
from narrator_ray.stages.cpu_threads import use_cpu_threads
from narrator_ray.training.curves import Curves
from narrator_ray.training.deepspeed import chosen_engine
from narrator_ray.training.folder import CURVES, REPORT, TrainingFolder
from narrator_ray.training.report import render_training_report
from narrator_ray.training.step_report import StepReport
from narrator_ray.training.trackers import open_tracker
from narrator_ray.training.training_set import TrainingSet, places

TRAINED = "trained"
"""Folder of a checkpoint that holds what :meth:`narrator_ray.training.learner.Learner.save_trained` wrote."""
SCORE = "validation_loss"
"""What checkpoints are judged by."""
UNJUDGED = 1e30
"""Of checkpoints at which nothing was held out, or not looked at. Not infinity: Ray's records lose it."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What every worker is told.

    Attributes:
        preset: The model that training starts from.
        config: The resolved settings.
        store: The output.
        fingerprints: Of the model.
        folder: Of this training.
        training_set: What is learnt and held out.
        device: ``cpu`` or ``cuda``.
    """

    preset: Preset
    config: Config
    store: ResultStore
    fingerprints: Fingerprints
    folder: TrainingFolder
    training_set: TrainingSet
    device: str


def work(told: dict[str, Any]) -> None:
    """What Ray Train runs in every worker."""
    board = told["board"]
    try:
        _TrainingWorker(told["job"], board).run()
    except (ConfigError, TrainingFailed) as error:
        ray.get(board.report.remote(error))


class _TrainingWorker:
    """One worker: takes the training up, takes every step with the others, leaves checkpoints."""

    def __init__(self, job: TrainingJob, board: Any) -> None:
        _use_cores(job.config.run.cpu_threads)
        if job.device == "cuda":
            _use_own_gpu()
        from narrator_ray.training.learner import Learner  # what follows loads torch
        from narrator_ray.training.loop import TrainingLoop
        from narrator_ray.training.samples import SampleStore, StoredSamples
        from narrator_ray.training.validation import Validation
        from narrator_ray.training.workers import joined_workers

        settings = job.config.training
        self._job = job
        self._board = board
        self._workers = joined_workers()
        self._is_first = self._workers.index == 0
        model = prepare_model(job.preset, job.config.storage)
        self._prompt = model.spec.prompt
        self._learner = Learner(model, settings, job.device, job.config.model.use_adapter)
        store = SampleStore(job.store.storage)
        learnt, lengths = places(job.training_set.learnt)
        self._loop = TrainingLoop(
            self._learner, StoredSamples(store, learnt), settings, self._engine(), self._workers, lengths
        )
        held_out, held_lengths = places(job.training_set.held_out)
        self._validation = Validation(StoredSamples(store, held_out), held_lengths, settings) if held_out else None
        self._curves = Curves()
        track = settings.track if self._is_first else "none"
        self._tracker = open_tracker(track, job.folder.name, settings.model_dump(mode="json"))
        self._narrated: Any = None

    def run(self) -> None:
        """From the last checkpoint to the last step."""
        self._take_up()
        settings = self._job.config.training
        if self._is_first:
            ray.get(self._board.begin.remote(self._loop.num_steps, self._loop.step))
        since_s = time.perf_counter()
        for report in self._loop.run():
            took_s = time.perf_counter() - since_s
            self._curves.add_step(report, took_s)
            if self._is_first:
                self._board.step.remote(report, took_s)
                self._tracker.log(self._loop.step, _tracked(report, took_s))
            is_last = self._loop.step == self._loop.num_steps
            is_validated = self._validation is not None and (
                is_last or self._loop.step % settings.validate_every_steps == 0
            )
            if is_validated:
                self._validate()
            if is_last or self._loop.step % settings.checkpoint_every_steps == 0:
                self._leave_checkpoint(is_validated)
            since_s = time.perf_counter()
        self._tracker.close()

    def _engine(self) -> Any:
        settings = self._job.config.training
        if chosen_engine(settings) == "torch":
            from narrator_ray.training.engine import TorchEngine

            return TorchEngine(self._learner, settings, self._workers)
        from narrator_ray.training.deepspeed_engine import DeepSpeedEngine

        return DeepSpeedEngine(self._learner, settings, self._workers)

    def _take_up(self) -> None:
        checkpoint = ray.train.get_checkpoint()
        if checkpoint is None:
            return
        with checkpoint.as_directory() as folder:
            self._loop.load(Path(folder))
            self._curves = Curves.from_jsonl((Path(folder) / CURVES).read_text(encoding="utf-8"))
            self._workers.summed([0.0])  # nobody leaves before all have read
        if self._is_first:
            self._publish_curves()  # of the last checkpoint, whose worker may not have come to it

    def _validate(self) -> None:
        assert self._validation is not None
        figures = {"loss": self._validation.loss(self._learner, self._loop.engine, self._workers)}
        if self._is_first:
            self._board.validation.remote(figures["loss"])
            figures |= self._free_running()
            self._tracker.log(self._loop.step, {f"held_out_{name}": value for name, value in figures.items()})
        self._curves.add_validation(self._loop.step, figures)

    def _free_running(self) -> dict[str, float]:
        """Held-out videos narrated, by this worker alone; where weights are shared out no worker can."""
        works, settings = self._job.training_set.narrated, self._job.config.training
        is_shared_out = settings.zero_stage == 3 and chosen_engine(settings) == "deepspeed"
        if not works or is_shared_out:
            return {}
        from narrator_ray.training.free_running import free_running, held_out_videos

        if self._narrated is None:
            self._narrated = held_out_videos(works, self._job.store, self._job.config, self._job.fingerprints.encoder)
        return free_running(self._learner.narrator, self._narrated, self._job.config, self._prompt)

    def _leave_checkpoint(self, is_validated: bool) -> None:
        weights = self._loop.engine.weights()
        loss = self._curves.validation_loss if is_validated else None
        metrics = {"step": self._loop.step, SCORE: UNJUDGED if loss is None else loss}
        with tempfile.TemporaryDirectory(prefix="narrator-ray-") as name:
            folder = Path(name)
            self._loop.save(folder)
            if self._is_first:
                self._learner.save_trained(folder / TRAINED, weights)
                (folder / CURVES).write_text(self._curves.to_jsonl(), encoding="utf-8")
            ray.train.report(metrics, checkpoint=ray.train.Checkpoint.from_directory(name))
        if self._is_first:
            _wait_until_registered()
            self._publish_curves()

    def _publish_curves(self) -> None:
        folder = self._job.folder
        folder.write(CURVES, self._curves.to_jsonl())
        page = render_training_report(folder.name, self._curves, self._job.training_set, self._loop.num_steps)
        folder.write(REPORT, page)


def _tracked(report: StepReport, took_s: float) -> dict[str, float]:
    """What of a step is worth a curve elsewhere."""
    return {
        "loss": report.loss,
        "learning_rate": report.learning_rate,
        "gradient_norm": report.gradient_norm,
        "tokens_per_s": report.num_tokens / took_s,
        "waited_share": report.waited_s / took_s,
    }


def _wait_until_registered() -> None:
    """Return when Ray would go on from what was reported, which takes it a second or two.

    Before that, more than one interval could be lost. The other workers wait in their next step.
    """
    ray.train.get_all_reported_checkpoints(consistency_mode=CheckpointConsistencyMode.COMMITTED)


def _use_own_gpu() -> None:
    """Workers of a node see all its GPUs; ``cuda`` is to mean this worker's."""
    import torch
    from ray.train.torch import get_device

    torch.cuda.set_device(get_device())


def _use_cores(num_threads: int) -> None:
    """Compute with the threads asked for, or with this worker's share of the machine's cores."""
    here = max(1, ray.train.get_context().get_local_world_size())
    wanted = num_threads or max(1, len(os.sched_getaffinity(0)) // here)
    use_cpu_threads(wanted)
