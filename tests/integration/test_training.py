"""Training on Ray to its end through the death of its driver and of a worker, equal to the loop of one process.

Everything lies on S3, whose endpoint is in the settings alone.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath

import psutil
import pytest
import torch
from safetensors.torch import load_file

from narrator_ray.config import Config, load_config
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.storage.storage import Storage
from narrator_ray.train import TrainingListeners, TrainingSummary, train_catalog
from narrator_ray.training.folder import TrainingFolder
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.samples import SampleStore, StoredSamples
from narrator_ray.training.training_set import TrainingSet, places
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(600)]

PATIENCE_S = 240.0
INTERVAL_STEPS = 4
SETTINGS = (
    "training.epochs=6",
    "training.learning_rate=0.003",
    "training.warmup_fraction=0",
    "training.lora_rank=4",
    "training.lora_dropout=0",
    "training.pack_videos=false",
    "training.max_tokens=600",
    "training.batch_tokens=600",
    "training.validation_fraction=0.3",
    "training.validate_every_steps=12",
    f"training.checkpoint_every_steps={INTERVAL_STEPS}",
    "training.narrate_held_out=1",
    "training.num_workers=2",
    "training.engine=deepspeed",
    "run.max_rejected_fraction=0.9",
)
LINES = ("Order the mug today.", "Soft light for every day.", "It fills the whole room.")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    """Six videos to learn from, one without texts, one that is broken, one that is not there."""
    folder = tmp_path_factory.mktemp("training")
    film = write_video(folder / "film.mp4")
    (folder / "broken.mp4").write_bytes(b"no film")
    duration_s = 2.0

    def row(name: str, video: Path, **changes: object) -> dict:
        return {
            "video_id": name,
            "video": str(video),
            "language": "en",
            "product": {"name": f"Mug {name}", "knowledge": {"effect": ["keeps tea warm"]}},
            "clips": [{"start_s": n * duration_s, "end_s": (n + 1) * duration_s} for n in range(3)],
            "storyline": [["product_effect"], ["appearance_design"], ["call_to_action"]],
            "narrations": list(LINES),
            **changes,
        }

    rows = [row(f"good-{number}", film) for number in range(6)]
    rows += [row("mute", film, narrations=None), row("broken", folder / "broken.mp4"), row("gone", folder / "no.mp4")]
    path = folder / "catalog.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in rows), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Place:
    """Where the training goes.

    Attributes:
        out: The output.
        settings: Those of every part.
    """

    out: str
    settings: Sequence[str]

    def config(self, *overrides: str) -> Config:
        """The settings."""
        return load_config(None, "tiny-random", [*self.settings, *overrides])

    @property
    def storage(self) -> Storage:
        """The output."""
        return Storage.open(self.out, self.config().storage)

    def keys(self, pattern: str) -> list[str]:
        """Of the files of the training."""
        return [key for key in self.storage.keys("training") if PurePath(key).match(pattern)]

    def rows(self) -> list[dict]:
        """Of its curves."""
        (key,) = self.keys("training/*/curves.jsonl")
        return [json.loads(line) for line in self.storage.read(key).decode().splitlines()]

    def steps(self, figure: str) -> list:
        """A figure of every step."""
        return [row[figure] for row in self.rows() if row["kind"] == "step"]


def start_and_kill_driver(catalog: Path, place: Place, log: Path) -> None:
    """The command as a user gives it, killed as soon as it has left a checkpoint."""
    words = ["train", str(catalog), "--out", place.out, "--preset", "tiny-random"]
    words += [word for setting in place.settings for word in ("--set", setting)]
    with log.open("wb") as errors:
        driver = subprocess.Popen([sys.executable, "-m", "narrator_ray", *words], stdout=errors, stderr=errors)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not place.keys("training/*/curves.jsonl"):
            assert driver.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
    finally:
        cluster = psutil.Process(driver.pid).children(recursive=True) if driver.poll() is None else []
        driver.kill()
        driver.wait()
        _, left = psutil.wait_procs(cluster, timeout=60)  # Ray's processes end when they find their driver gone
        for process in left:
            process.kill()


class WorkerKiller:
    """Kills a worker as soon as a step was taken, once."""

    def __init__(self) -> None:
        self.snapshots: list = []
        self.killed_at: int | None = None

    def look(self, snapshot) -> None:
        """Take the next snapshot."""
        self.snapshots.append(snapshot)
        if snapshot.done is not None and self.killed_at is None and snapshot.num_starts == 1:
            victim = next(self._workers())
            os.kill(victim.pid, signal.SIGKILL)
            self.killed_at = snapshot.done.step

    def _workers(self) -> Iterator[psutil.Process]:
        for process in psutil.Process().children(recursive=True):
            if "RayTrainWorker" in " ".join(process.cmdline()):
                yield process


@pytest.fixture(scope="module")
def place(s3_bucket, s3_server) -> Iterator[Place]:
    """On S3; the environment knows no endpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL")
        yield Place(f"s3://{s3_bucket}/trained", [*SETTINGS, f"storage.endpoint_url={s3_server}"])


@pytest.fixture(scope="module")
def trained(catalog, local_ray, place, tmp_path_factory) -> tuple[TrainingSummary, WorkerKiller, int]:
    """A training that lost its driver, was taken up by another, lost a worker and came to its end."""
    start_and_kill_driver(catalog, place, tmp_path_factory.mktemp("trained") / "driver.log")
    num_saved, killer = len(place.steps("step")), WorkerKiller()
    listeners = TrainingListeners(on_progress=killer.look)
    return train_catalog(str(catalog), place.out, place.config(), listeners=listeners), killer, num_saved


def test_rejected_videos_are_counted_with_their_reasons(trained):
    """No texts, no film, no file: three rows that stop nothing."""
    record = trained[0].record
    assert record["reasons"] == {"no_reference": 1, "video_unreadable": 1, "video_not_found": 1}
    assert record["learnt"] + record["held_out"] == 6
    assert record["learnt"] and record["held_out"]


def test_a_lost_driver_and_a_lost_worker_cost_one_interval_at_most(trained, place):
    """Every step is in the curves once; the second driver and the second workers began where checkpoints were."""
    summary, killer, num_saved = trained
    assert place.steps("step") == list(range(summary.record["steps"]))
    assert summary.record["starts"] == 2
    began = {snapshot.num_starts: snapshot.began_at for snapshot in killer.snapshots}
    assert began[1] >= num_saved >= INTERVAL_STEPS
    assert killer.killed_at is not None
    (taken,) = {
        before.done.step + 1 for before, after in pairwise(killer.snapshots) if after.num_starts > before.num_starts > 0
    }
    assert began[2] <= taken <= began[2] + INTERVAL_STEPS
    validated = [row for row in place.rows() if row["kind"] == "validation"]
    assert [row["step"] for row in validated][-1] == summary.record["steps"]
    assert validated[-1]["narrated"] == 1 and 0 <= validated[-1]["labels_right"] <= 1


def test_the_steps_are_those_of_one_process(trained, place, tmp_path):
    """Losses of every step and the weights at the end, beside the plain loop over the same samples."""
    summary, recipe = trained[0], place.config().training
    chosen = TrainingFolder(place.storage, PurePath(summary.place).name).training_set()
    assert isinstance(chosen, TrainingSet)
    learner = Learner(prepare_model(find_preset("tiny-random")), recipe)
    learnt, lengths = places(chosen.learnt)
    samples = StoredSamples(SampleStore(place.storage), learnt)
    alone = [report.loss for report in TrainingLoop(learner, samples, recipe, lengths=lengths).run()]
    losses = place.steps("loss")
    assert losses == pytest.approx(alone, rel=1e-3)
    assert losses[-1] < 0.9 * losses[0]
    expected, model = learner.save(tmp_path / "alone", "alone"), trained_model(summary, place)
    for file in ("projection.safetensors", "adapter/adapter_model.safetensors"):
        found, wanted = load_file(model.path / file), load_file(expected.path / file)
        assert found.keys() == wanted.keys()
        for name in wanted:
            torch.testing.assert_close(found[name], wanted[name], rtol=0.02, atol=2e-3)


def trained_model(summary: TrainingSummary, place: Place) -> ModelDirectory:
    """What is narrated with."""
    storage = place.config().storage
    return prepare_model(find_preset(summary.preset, storage), storage)


def test_what_was_trained_is_a_model_to_narrate_with(trained, place):
    """Its preset is found by its URI, its directory is whole; DeepSpeed's settings and a page lie beside it."""
    model = trained_model(trained[0], place)
    assert model.spec.is_trained
    assert open_model_directory(model.path).adapter_path is not None
    (told,) = place.keys("training/*/deepspeed.json")
    assert json.loads(place.storage.read(told))["zero_optimization"]["stage"] == 2
    (page,) = place.keys("training/*/report.html")
    assert b"<svg" in place.storage.read(page)


def test_a_training_that_is_done_is_found_done(trained, catalog, place):
    """By the same command, without Ray; another number of workers changes nothing."""
    again = train_catalog(str(catalog), place.out, place.config("training.num_workers=1"))
    assert again.was_done and again.record == trained[0].record


def test_kept_checkpoints_are_few(trained, place):
    """The two best, the newest, and at most two that were on their way at either death: the driver's and a worker's."""
    kept = {PurePath(key).parents[-5] for key in place.keys("training/*/checkpoints/checkpoint_*/*")}
    assert 1 <= len(kept) <= 7
