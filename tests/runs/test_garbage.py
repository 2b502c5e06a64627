"""Garbage: what recent runs refer to stays, whoever else would not miss it."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.config import DEFAULT_STORAGE
from narrator_ray.console import garbage_lines
from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Product
from narrator_ray.runs.garbage import collect_garbage
from narrator_ray.runs.publish import announce_run
from narrator_ray.runs.run_folder import complete_runs, run_folder, run_path
from narrator_ray.storage.filesystems import filesystem_of
from narrator_ray.storage.storage import Storage
from tests.runs.nights import VIDEOS, night

RENAMED = [replace(VIDEOS[0], product=Product("another cup")), *VIDEOS[1:]]


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An output with two runs, the second over a changed product; no run is under way."""
    store = ResultStore.open(str(tmp_path / "out"))
    for videos in (VIDEOS, RENAMED):
        night(store, videos)
    finish_all(store)
    return store


def finish_all(store: ResultStore) -> None:
    """The made-up nights announce themselves under another name: take the marks away."""
    store.storage.delete([key for key in store.storage.keys("runs") if key.endswith("started.json")])


def test_looking_changes_nothing(store):
    """By default it only says what it would remove."""
    found = collect_garbage(store.storage, keep_runs=1, min_age_s=0, is_dry=True)
    assert (found.num_runs, found.num_kept, found.num_objects) == (1, 3, 1)
    assert found.num_bytes > 100
    assert len(store.known_narrations()) == 4


def test_what_the_last_runs_refer_to_stays(store):
    """Two runs keep four results; one keeps three, and the fourth goes. Published tables are not touched."""
    assert collect_garbage(store.storage, 2, 0, is_dry=False).num_objects == 0
    runs = complete_runs(store.storage)
    assert collect_garbage(store.storage, 1, 0, is_dry=False).num_objects == 1
    assert len(store.known_narrations()) == 3
    assert complete_runs(store.storage) == runs
    assert night(store, RENAMED).num_to_do == 0
    assert night(store, VIDEOS).num_to_do == 1


def test_features_go_with_the_last_run_that_has_them(store):
    """Features of any encoder are looked at; those of a rejected video are kept for its next try."""
    keys = [next(night(store, RENAMED).videos).item.features_key, "0" * 32]
    for encoder, key in zip("ab", keys, strict=True):
        store.storage.write(store.features_path(encoder, key), b"tokens")
    finish_all(store)
    assert collect_garbage(store.storage, 1, 0, is_dry=False).num_objects == 2
    assert list(store.storage.keys("features")) == [store.features_path("a", keys[0])]


def test_young_objects_stay(store):
    """A run that has not published yet may have made them."""
    found = collect_garbage(store.storage, 1, 3600, is_dry=False)
    assert (found.num_objects, found.num_young) == (0, 1)
    assert len(store.known_narrations()) == 4


def test_nothing_is_removed_while_a_run_is_under_way(store):
    """It may count on what only older runs refer to; once it is older than the age given it was killed."""
    announce_run(store, run_folder("20990101T000000Z-under-way"), 3)
    with pytest.raises(StorageError, match=r"under-way began 0\.0 hours ago"):
        collect_garbage(store.storage, 1, 3600, is_dry=False)
    assert collect_garbage(store.storage, 1, 3600, is_dry=True).num_young == 1
    assert collect_garbage(store.storage, 1, 0, is_dry=False).num_objects == 1


def test_without_a_published_run_nothing_is_known(tmp_path):
    """Everything would be garbage: refuse."""
    with pytest.raises(StorageError, match="no published run"):
        collect_garbage(ResultStore.open(str(tmp_path)).storage, 1, 0, is_dry=True)


def test_a_run_that_cannot_be_read_stops_it(store):
    """Nothing is removed on the word of half a table."""
    (run_id,) = complete_runs(store.storage)[:1]
    store.storage.write(run_path(run_id, "videos.parquet"), b"half")
    with pytest.raises(SchemaError, match=run_id):
        collect_garbage(store.storage, 1, 0, is_dry=False)
    assert len(store.known_narrations()) == 4


def test_runs_of_an_older_version_keep_what_they_narrated(store):
    """Without a table of videos the narrations say what they are made of."""
    for run_id in complete_runs(store.storage):
        store.storage.delete([run_path(run_id, "videos.parquet")])
    assert collect_garbage(store.storage, 2, 0, is_dry=False).num_objects == 0
    assert collect_garbage(store.storage, 1, 0, is_dry=False).num_objects == 1


def test_uploads_that_were_never_completed_are_ended(s3_root):
    """Object stores keep and bill their parts; looking leaves them."""
    store = ResultStore.open(f"{s3_root}/out")
    night(store, VIDEOS)
    finish_all(store)
    bucket, _, prefix = s3_root.removeprefix("s3://").partition("/")
    for name in ("out/features/a", "elsewhere"):
        filesystem_of("s3", DEFAULT_STORAGE).call_s3("create_multipart_upload", Bucket=bucket, Key=f"{prefix}/{name}")
    found = [collect_garbage(store.storage, 1, 0, is_dry=is_dry) for is_dry in (True, False, True)]
    assert [each.num_uploads for each in found] == [1, 1, 0]
    assert garbage_lines(found[0], False)[1].startswith("would remove 0 objects, 0.0 MB, and 1 uploads that were never")
    assert Storage.open(s3_root).end_uploads(time.time() + 3600) == 1
