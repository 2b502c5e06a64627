"""Many runs on one output at once: readers see complete runs only, and every run is published whole."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.errors import StorageError
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Product
from narrator_ray.runs.last_run import LastRun
from narrator_ray.runs.published import open_latest
from narrator_ray.runs.run_folder import complete_runs
from narrator_ray.storage.storage import Storage
from tests.runs.nights import VIDEOS, night, plan_of, publish, put_result

NUM_RUNS = 4
NUM_NIGHTS = 5


def test_readers_never_see_half_a_run(tmp_path: Path):
    """Four jobs publish again and again while a reader follows latest.json."""
    store = ResultStore.open(str(tmp_path / "out"))
    night(store)
    is_over, seen = threading.Event(), []

    def read() -> None:
        while not is_over.is_set():
            run = open_latest(store.storage.uri)
            seen.append((run.narrations["video_id"].to_pylist(), LastRun.open(store.storage) is not None))

    def work(number: int) -> None:
        for turn in range(NUM_NIGHTS):
            night(store, [replace(VIDEOS[0], product=Product(f"{number} {turn}")), *VIDEOS[1:]])

    with ThreadPoolExecutor(NUM_RUNS + 1) as threads:
        reader = threads.submit(read)
        jobs = [threads.submit(work, number) for number in range(NUM_RUNS)]
        for job in jobs:
            job.result()
        is_over.set()
        reader.result()
    assert len(seen) > 3
    assert all(ids == ["cup", "mug", "pot"] and has_videos for ids, has_videos in seen)
    assert len(complete_runs(store.storage)) == 1 + NUM_RUNS * NUM_NIGHTS
    assert len(store.known_narrations()) == 3 + NUM_RUNS * NUM_NIGHTS


def test_a_run_that_dies_while_publishing_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whichever file it dies at, the run before stays the newest, and the run counts as unfinished."""
    store = ResultStore.open(str(tmp_path / "out"))
    night(store)
    before = open_latest(store.storage.uri).run_id
    plan = plan_of(store)
    write = Storage.write
    for deadly in ("config.yaml", "report.html", "run.json"):

        def dying(self: Storage, key: str, data: bytes, deadly: str = deadly) -> None:
            if key.endswith(deadly):
                raise StorageError("killed")
            write(self, key, data)

        with monkeypatch.context() as patch:
            patch.setattr(Storage, "write", dying)
            with pytest.raises(StorageError, match="killed"):
                publish(store, plan)
        assert open_latest(store.storage.uri).run_id == before
        assert complete_runs(store.storage) == [before]


def test_what_another_run_made_meanwhile_is_used(tmp_path: Path):
    """Two runs plan the same work; the results of the first to be there appear in both."""
    store = ResultStore.open(str(tmp_path / "out"))
    plans = [plan_of(store), plan_of(store)]
    for plan in plans:
        for item in plan.to_do:
            put_result(store, item)
    assert [publish(store, plan).num_narrated for plan in plans] == [3, 3]
    assert len(store.known_narrations()) == 3
