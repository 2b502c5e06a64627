"""Processes of a gloo group that train the tiny model with DeepSpeed, and what one process with PyTorch does."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed, multiprocessing

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.training.deepspeed_engine import DeepSpeedEngine
from narrator_ray.training.examples import Sample, sample_of
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.workers import joined_workers
from tests.training.videos import make_example, make_video

NUM_WORKERS, STEPS_BEFORE_STOP = 2, 3
RECIPE = TrainingSettings(
    epochs=2,
    learning_rate=1e-2,
    lora_rank=4,
    lora_dropout=0.0,
    batch_tokens=500,
    max_tokens=500,
    pack_videos=False,
    num_workers=NUM_WORKERS,
)


@dataclass(frozen=True)
class Case:
    """What a training is asked for, by a name for people."""

    zero_stage: int
    precision: str = "fp32"
    offload_optimizer: bool = False
    accumulate_batches: int = 1

    @property
    def name(self) -> str:
        """Of the case's files."""
        parts = [f"zero {self.zero_stage}", self.precision, *["offload"] * self.offload_optimizer]
        return " ".join([*parts, *["accumulated"] * (self.accumulate_batches > 1)])

    @property
    def settings(self) -> TrainingSettings:
        """The recipe of this case."""
        fields = ("zero_stage", "precision", "offload_optimizer", "accumulate_batches")
        return TrainingSettings.model_validate(RECIPE.model_dump() | {name: getattr(self, name) for name in fields})


def samples_of(learner: Learner) -> list[Sample]:
    """Of four videos."""
    examples = [make_example(learner.narrator.tokenizer, make_video(number)) for number in range(4)]
    return [sample_of(example, index) for example in examples for index in range(len(example.clips))]


def alone(case: Case) -> list[float]:
    """Losses of all steps by one process that takes all batches of each."""
    learner = Learner(prepare_model(find_preset("tiny-random")), case.settings)
    return [report.loss for report in TrainingLoop(learner, samples_of(learner), case.settings).run()]


def together(cases: Sequence[Case], folder: Path) -> dict[str, dict]:
    """What two workers report of each case: losses, those after a stop, and how far weights are apart then."""
    return _spawned(NUM_WORKERS, _tried, cases, folder)


def left_alone(cases: Sequence[Case], folder: Path) -> dict[str, dict]:
    """What one worker reports of each case where two had stopped: losses of the steps left, or why it refuses."""
    return _spawned(1, _taken_up, cases, folder)


def _spawned(
    num_workers: int, task: Callable[[Case, Path], dict], cases: Sequence[Case], folder: Path
) -> dict[str, dict]:
    multiprocessing.spawn(_work, (num_workers, task, list(cases), folder), nprocs=num_workers)
    return {case.name: json.loads((folder / f"{case.name}.json").read_text()) for case in cases}


def _work(rank: int, num_workers: int, task: Callable[[Case, Path], dict], cases: list[Case], folder: Path) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(num_workers)}  # DeepSpeed reads them
    group = f"file://{folder}/group-{num_workers}"
    distributed.init_process_group("gloo", group, rank=rank, world_size=num_workers)
    for case in cases:
        report = task(case, folder / case.name)
        if rank == 0:
            (folder / f"{case.name}.json").write_text(json.dumps(report))
    distributed.destroy_process_group()


def _tried(case: Case, folder: Path) -> dict:
    first, learner = _loop(case)
    steps = first.run()
    losses = [next(steps).loss for _ in range(STEPS_BEFORE_STOP)]
    folder.mkdir(exist_ok=True)
    first.save(folder)
    losses += [report.loss for report in steps]
    weights = first.engine.weights()
    second, _ = _loop(case)
    second.load(folder)
    resumed = [report.loss for report in second.run()]
    again = second.engine.weights()
    gap = max(float((weights[name] - again[name]).abs().max()) for name in weights)
    return {"losses": losses, "resumed": resumed, "gap": gap, "names": sorted(weights) == sorted(learner.trained)}


def _taken_up(case: Case, folder: Path) -> dict:
    loop, _ = _loop(case)
    try:
        loop.load(folder)
    except ConfigError as error:
        return {"refused": str(error)}
    return {"losses": [report.loss for report in loop.run()], "num_steps": loop.num_steps}


def _loop(case: Case) -> tuple[TrainingLoop, Learner]:
    settings, workers = case.settings, joined_workers()
    learner = Learner(prepare_model(find_preset("tiny-random")), settings)
    engine = DeepSpeedEngine(learner, settings, workers)
    return TrainingLoop(learner, samples_of(learner), settings, engine, workers), learner
