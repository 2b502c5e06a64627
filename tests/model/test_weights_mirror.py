"""Mirrors of s3:// prefixes: made once, whole or not at all, made again when the prefix changes."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from narrator_ray.errors import ModelLoadError
from narrator_ray.model import weights_mirror
from narrator_ray.model.weights import resolve
from narrator_ray.model.weights_mirror import mirror
from narrator_ray.storage import Storage
from tests.model.tiny_parts import write_base_llm

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("NARRATOR_RAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def upload(folder: Path, prefix: str) -> None:
    """Put a directory under a prefix."""
    storage = Storage.open(prefix)
    for file in folder.rglob("*"):
        if file.is_file():
            storage.write(str(file.relative_to(folder)), file.read_bytes())


def mirror_and_hang(prefix: str) -> None:
    """Copy half an object and then never go on."""
    weights_mirror.shutil.copyfileobj = lambda source, copy, size: (copy.write(b"half"), copy.flush(), time.sleep(600))
    mirror(prefix)


def test_a_prefix_is_copied_once(cache, s3_root, tmp_path):
    """Every file, in folders too; the second request finds the copy."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.json").write_text("a")
    (tmp_path / "in" / "deep" / "b.json").write_text("b")
    upload(tmp_path / "in", s3_root)
    copy = mirror(f"{s3_root}/")
    assert (copy / "a.json").read_text() + (copy / "deep" / "b.json").read_text() == "ab"
    seen = (copy / "a.json").stat()
    assert mirror(s3_root) == copy
    assert (copy / "a.json").stat() == seen
    assert [path for path in (cache / "mirrors").iterdir() if path.is_dir()] == [copy]


def test_changed_weights_are_copied_again(cache, s3_root, tmp_path):
    """The same size, other bytes: never a stale model."""
    storage = Storage.open(s3_root)
    storage.write("a.json", b"old")
    assert (mirror(s3_root) / "a.json").read_text() == "old"
    storage.write("a.json", b"new")
    assert (mirror(s3_root) / "a.json").read_text() == "new"


def test_a_killed_copy_is_not_taken_for_a_model(cache, s3_root):
    """After SIGKILL in the middle the next process copies anew and clears what was left."""
    Storage.open(s3_root).write("a.json", b"whole")
    worker = SPAWN.Process(target=mirror_and_hang, args=(s3_root,))
    worker.start()
    deadline = time.monotonic() + 60
    while not list(cache.glob("mirrors/.*.building-*/a.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert [path for path in (cache / "mirrors").iterdir() if not path.name.startswith(".")] == []
    assert (mirror(s3_root) / "a.json").read_text() == "whole"
    assert len([path for path in (cache / "mirrors").iterdir() if path.is_dir()]) == 1


def test_a_damaged_copy_is_made_again(cache, s3_root):
    """A file lost from the cache is no reason to fail for ever."""
    Storage.open(s3_root).write("a.json", b"whole")
    (mirror(s3_root) / "a.json").unlink()
    assert (mirror(s3_root) / "a.json").read_text() == "whole"


def test_a_language_model_is_taken_from_s3(cache, s3_root, tmp_path):
    """A prefix is as good as a directory; what is missing under it is named."""
    upload(write_base_llm(tmp_path / "llm"), s3_root)
    folder = resolve("llm", s3_root)
    assert (folder / "model.safetensors").read_bytes() == (tmp_path / "llm" / "model.safetensors").read_bytes()
    with pytest.raises(ModelLoadError, match=f"{s3_root}: not complete, missing: open_clip_config.json"):
        resolve("vision", s3_root)


def test_an_empty_prefix_is_refused(cache, s3_root):
    """A typo in a prefix finds nothing; S3 does not call that an error, this project does."""
    with pytest.raises(ModelLoadError, match=f"{s3_root}: nothing lies there"):
        mirror(s3_root)


def test_a_missing_bucket_is_refused(cache, s3_bucket):
    """The prefix is named."""
    with pytest.raises(ModelLoadError, match="s3://no-such-bucket/llm: "):
        mirror("s3://no-such-bucket/llm")
