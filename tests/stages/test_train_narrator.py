"""Which engine trains, and what is said when a training cannot go on; training itself is tested on Ray."""

import pickle

import pytest

from narrator_ray.config import DEFAULT_STORAGE, TrainingSettings
from narrator_ray.errors import ConfigError, TrainingFailed
from narrator_ray.stages import train_narrator
from narrator_ray.stages.stage import Machine
from narrator_ray.storage.storage import Storage
from narrator_ray.train import _check_room
from narrator_ray.training.folder import TrainingFolder


def test_our_error_is_found_in_what_ray_wraps():
    """Behind causes, of any worker."""
    wrapped = RuntimeError("worker")
    wrapped.__cause__ = TrainingFailed("no number")
    group = RuntimeError("group")
    group.worker_failures = {0: RuntimeError("lost"), 1: wrapped}
    assert str(train_narrator._find_ours(group)) == "no number"
    assert train_narrator._find_ours(RuntimeError("lost")) is None


def test_workers_that_find_no_room_are_refused(monkeypatch):
    """On a machine of its own, by the fewest that training takes; a cluster may grow."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    two, three = TrainingSettings(num_workers=2), TrainingSettings(num_workers=3)
    _check_room(two, Machine(2, 0), "cpu")
    with pytest.raises(ConfigError, match="2 CPUs"):
        _check_room(three, Machine(2, 0), "cpu")
    with pytest.raises(ConfigError, match="0 GPUs"):
        _check_room(two, Machine(2, 0), "cuda")
    _check_room(three.model_copy(update={"min_workers": 2}), Machine(2, 0), "cpu")
    with pytest.raises(ConfigError, match="min_workers: 3"):
        _check_room(three.model_copy(update={"min_workers": 3}), Machine(2, 0), "cpu")
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    _check_room(three, Machine(2, 0), "cpu")


def test_checkpoints_go_to_s3_as_everything_else(s3_bucket):
    """Ray Train's file system is ours, also in another process: what it writes is where the output is."""
    folder = TrainingFolder(Storage.open(f"s3://{s3_bucket}/out"), "tiny-1")
    path, filesystem = train_narrator._storage(folder, DEFAULT_STORAGE)
    assert path == f"{s3_bucket}/out/training/tiny-1"
    elsewhere = pickle.loads(pickle.dumps(filesystem))
    with elsewhere.open_output_stream(f"{path}/checkpoints/state.bin") as file:
        file.write(b"weights")
    assert folder.storage.read("training/tiny-1/checkpoints/state.bin") == b"weights"


def test_checkpoints_on_disk_lie_beside_the_training(tmp_path):
    """In its folder."""
    folder = TrainingFolder(Storage.open(str(tmp_path)), "tiny-1")
    assert train_narrator._storage(folder, DEFAULT_STORAGE) == (str(tmp_path / "training" / "tiny-1"), None)
