"""The cache of built models: built once, whatever happens to the processes that build."""

import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.embedded import build_once, cache_root, seed_weights

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("NARRATOR_RAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def copy_slowly(source: Path, log: Path, target: Path) -> None:
    """A build that takes a moment and leaves a line in a log."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    with log.open("a") as stream:
        stream.write(f"{target}\n")
    time.sleep(0.5)


def build_in_process(source: Path, log: Path) -> None:
    """What each of several processes does."""
    build_once("model", lambda target: copy_slowly(source, log, target))


def hang_in_build(source: Path) -> None:
    """A build that writes everything and never returns."""

    def build(target: Path) -> None:
        shutil.copytree(source, target, dirs_exist_ok=True)
        time.sleep(600)

    build_once("model", build)


def test_cache_root_follows_the_environment(monkeypatch):
    """The project's own variable, then XDG's, then the home directory."""
    monkeypatch.setenv("NARRATOR_RAY_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_root() == Path("/a")
    monkeypatch.delenv("NARRATOR_RAY_CACHE")
    assert cache_root() == Path("/b/narrator-ray")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/c")
    assert cache_root() == Path("/c/.cache/narrator-ray")


def test_a_model_is_built_once(cache, tiny_directory, tmp_path):
    """The second request takes what the first built."""
    log = tmp_path / "log"
    first = build_once("model", lambda target: copy_slowly(tiny_directory.path, log, target))
    second = build_once("model", lambda target: copy_slowly(tiny_directory.path, log, target))
    assert first == second
    assert first.path == cache / "models" / "model"
    assert len(log.read_text().splitlines()) == 1


def test_the_cache_can_be_shared_with_other_users(cache, tiny_directory, tmp_path):
    """Weight files and temporary directories are private by default; a built model is not."""
    model = build_once("model", lambda target: copy_slowly(tiny_directory.path, tmp_path / "log", target))
    assert model.path.stat().st_mode & 0o777 == 0o755
    assert (model.llm_path / "model.safetensors").stat().st_mode & 0o777 == 0o644


def test_concurrent_starts_build_once(cache, tiny_directory, tmp_path):
    """Many workers start at the same moment: one builds, all get the model."""
    log = tmp_path / "log"
    workers = [SPAWN.Process(target=build_in_process, args=(tiny_directory.path, log)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(log.read_text().splitlines()) == 1
    assert [path.name for path in (cache / "models").iterdir() if path.is_dir()] == ["model"]


def test_a_killed_build_leaves_no_model(cache, tiny_directory, tmp_path):
    """After SIGKILL in the middle the next process builds anew and clears what was left."""
    worker = SPAWN.Process(target=hang_in_build, args=(tiny_directory.path,))
    worker.start()
    deadline = time.monotonic() + 60
    while not list(cache.glob("models/.model.building-*/narrator.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert not (cache / "models" / "model").exists()
    build_once("model", lambda target: copy_slowly(tiny_directory.path, tmp_path / "log", target))
    assert [path.name for path in (cache / "models").iterdir() if path.is_dir()] == ["model"]


def test_a_damaged_model_is_built_again(cache, tiny_directory, tmp_path):
    """A file lost from the cache is no reason to fail for ever."""
    log = tmp_path / "log"
    model = build_once("model", lambda target: copy_slowly(tiny_directory.path, log, target))
    (model.path / "projection.safetensors").unlink()
    build_once("model", lambda target: copy_slowly(tiny_directory.path, log, target))
    assert model.projection_path.is_file()


def test_a_failed_build_leaves_nothing(cache):
    """A build that gives no complete model is an error and leaves no directory."""
    with pytest.raises(ModelLoadError, match="not a model directory"):
        build_once("model", lambda target: (target / "junk").touch())
    assert [path for path in (cache / "models").iterdir() if path.is_dir()] == []


def test_an_unusable_cache_says_what_to_do(tmp_path, monkeypatch):
    """A cache that cannot be written names the variable that moves it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("NARRATOR_RAY_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelLoadError, match="set NARRATOR_RAY_CACHE"):
        build_once("model", lambda target: None)


def test_seeded_weights_are_reproducible():
    """The same seed gives the same numbers, scaled by fan-in; biases are zero and norms stay ones."""
    layers = [torch.nn.Sequential(torch.nn.Linear(400, 300), torch.nn.LayerNorm(300)) for _ in range(2)]
    for layer in layers:
        seed_weights(layer, seed=3)
    assert torch.equal(layers[0][0].weight, layers[1][0].weight)
    assert layers[0][0].weight.std().item() == pytest.approx(400**-0.5, rel=0.02)
    assert np.count_nonzero(layers[0][0].bias.detach().numpy()) == 0
    assert torch.equal(layers[0][1].weight, torch.ones(300))
