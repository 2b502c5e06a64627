"""Publishing: complete or not at all, newest last, nothing lost."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.errors import RejectReason, StorageError
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Rejection
from narrator_ray.runs.published import open_latest
from narrator_ray.runs.results import PUBLISH
from narrator_ray.runs.run_folder import latest_run_id
from narrator_ray.runs.summary import Outcome
from tests.runs.nights import VIDEOS, plan_of, publish, put_result


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An empty output."""
    return ResultStore.open(str(tmp_path / "out"))


def plan(store: ResultStore, videos=tuple(VIDEOS)):
    """A plan, and its items in order."""
    its_plan = plan_of(store, videos)
    return its_plan, [planned.item for planned in its_plan.videos]


def test_results_and_rejections_add_up(store):
    """Two narrated, one rejected, in the catalogue's order."""
    its_plan, items = plan(store)
    for item in items[1:]:
        put_result(store, item)
    rejection = Rejection("cup", "/videos/cup.mp4", "split_clips", RejectReason.VIDEO_EMPTY, "no bytes")
    summary = publish(store, its_plan, [Outcome(items[0].narration_key, rejection, {})])
    run = open_latest(store.storage.uri)
    assert (summary.num_videos, summary.num_narrated, summary.num_rejected) == (3, 2, 1)
    assert run.narrations["video_id"].to_pylist() == ["mug", "pot"]
    assert run.rejected["reason"].to_pylist() == ["video_empty"]


def test_a_video_that_is_neither_done_nor_rejected_stops_the_publication(store):
    """Nothing is published rather than something incomplete."""
    its_plan, items = plan(store)
    put_result(store, items[0])
    with pytest.raises(StorageError, match=r"narrations/"):
        publish(store, its_plan)
    assert not store.storage.exists("latest.json")


def test_the_newest_run_is_the_one_that_is_read(store):
    """latest.json names the run that was published last; the one before stays."""
    its_plan, items = plan(store)
    for item in items:
        put_result(store, item)
    first, second = publish(store, its_plan), publish(store, its_plan)
    assert latest_run_id(store.storage) == second.run_id != first.run_id
    assert store.storage.exists(f"runs/{first.run_id}/narrations.parquet")


def test_rows_that_share_a_result_share_its_rejection(store):
    """Both ids appear in the rejected table, each with its own."""
    videos = (VIDEOS[0], replace(VIDEOS[0], video_id="twin"))
    its_plan, items = plan(store, videos)
    rejection = Rejection("cup", "/videos/cup.mp4", "narrate_clips", RejectReason.GENERATION_FAILED, "no text")
    summary = publish(store, its_plan, [Outcome(items[0].narration_key, rejection, {})], videos)
    assert summary.num_rejected == 2
    assert open_latest(store.storage.uri).rejected["video_id"].to_pylist() == ["cup", "twin"]


def test_a_damaged_result_costs_one_video(store):
    """The object is named, and the other videos are published."""
    its_plan, items = plan(store)
    for item in items:
        put_result(store, item)
    store.storage.write(store.narration_path(items[1].narration_key), b"{half")
    summary = publish(store, its_plan)
    (row,) = open_latest(store.storage.uri).rejected.to_pylist()
    assert (row["video_id"], row["stage"], row["reason"]) == ("mug", PUBLISH, "damaged_object")
    assert items[1].narration_key in row["detail"]
    assert summary.num_narrated == 2


def test_the_report_escapes_untrusted_names(store):
    """Product names are text, not markup."""
    its_plan, items = plan(store)
    for item in items:
        put_result(store, item)
    summary = publish(store, its_plan)
    page = store.storage.read(f"runs/{summary.run_id}/report.html").decode()
    assert "mug <b>" not in page
    assert "mug" in page


def test_an_output_without_a_run_says_what_to_do(tmp_path):
    """The message names the command that makes one."""
    with pytest.raises(StorageError, match="narrator-ray narrate"):
        open_latest(str(tmp_path))


def test_the_record_is_readable_json(store):
    """run.json repeats the counts and the settings."""
    its_plan, items = plan(store)
    for item in items:
        put_result(store, item)
    summary = publish(store, its_plan)
    record = json.loads(store.storage.read(f"runs/{summary.run_id}/run.json"))
    assert record["num_narrated"] == 3
    assert record["config"]["model"]["preset"] == "tiny-random"
    assert record["model"]["is_trained"] is False
