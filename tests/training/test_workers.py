"""Two processes take the steps that one takes alone; a training can be taken up by more or fewer."""

from datetime import timedelta
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing

from narrator_ray.config import TrainingSettings
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.training.examples import sample_of
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.workers import Alone, ProcessGroup, Workers
from tests.training.videos import make_example, make_video

SETTINGS = TrainingSettings(
    epochs=2, learning_rate=1e-3, lora_rank=4, lora_dropout=0, batch_tokens=700, max_tokens=700, warmup_fraction=0
)


def make_loop(workers: Workers | None = None, accumulate_batches: int = 1) -> TrainingLoop:
    """Over the ten samples of two videos."""
    settings = SETTINGS.model_copy(update={"accumulate_batches": accumulate_batches})
    learner = Learner(prepare_model(find_preset("tiny-random")), settings)
    examples = [make_example(learner.narrator.tokenizer, make_video(number, 5)) for number in range(2)]
    return TrainingLoop(learner, [sample_of(video, n) for video in examples for n in range(5)], settings, workers)


def train_in_a_group(index: int, folder: str) -> None:
    """What one of two processes does: trains to the end and writes its reports, the state half-way and at the end."""
    torch.set_num_threads(1)
    path = Path(folder)
    distributed.init_process_group(
        "gloo", init_method=f"file://{path / 'meeting'}", rank=index, world_size=2, timeout=timedelta(seconds=120)
    )
    loop = make_loop(ProcessGroup())
    reports = []
    for report in loop.run():
        reports.append([report.loss, report.gradient_norm, report.num_supervised])
        if len(reports) == 3:
            torch.save(loop.state(), path / f"middle{index}.pt")
    torch.save({"reports": torch.tensor(reports), **loop.state()}, path / f"end{index}.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where two processes have trained."""
    path = tmp_path_factory.mktemp("group")
    multiprocessing.spawn(train_in_a_group, (str(path),), nprocs=2)
    return path


def load(path: Path) -> dict:
    """A state that a process wrote."""
    return torch.load(path, weights_only=True)


def assert_close(state: dict, expected: dict) -> None:
    """The same weights, but for the order of sums."""
    for name, weight in expected["trained"].items():
        torch.testing.assert_close(state["trained"][name], weight, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_two_workers_take_the_steps_of_one_with_twice_the_batches(folder):
    """Losses, gradients and weights; both workers end with the very same."""
    first, second = load(folder / "end0.pt"), load(folder / "end1.pt")
    for name, weight in first["trained"].items():
        assert torch.equal(weight, second["trained"][name])
    loop = make_loop(accumulate_batches=2)
    alone = [[report.loss, report.gradient_norm, report.num_supervised] for report in loop.run()]
    assert len(alone) == loop.num_steps == len(first["reports"])
    torch.testing.assert_close(torch.tensor(alone), first["reports"], rtol=1e-3, atol=1e-4)
    assert_close(first, loop.state())


@pytest.mark.slow
def test_training_of_two_is_finished_by_one(folder):
    """From the middle, with as many batches a step: nothing is lost, and the end is the same."""
    loop = make_loop(accumulate_batches=2)
    loop.restore(load(folder / "middle0.pt"))
    assert loop.step == 3
    assert sum(1 for _ in loop.run()) == loop.num_steps - 3
    assert_close(load(folder / "end0.pt"), loop.state())


def test_the_only_process_adds_nothing():
    """Sums of one."""
    assert Alone().summed([1.0, 2.5]) == [1.0, 2.5]
