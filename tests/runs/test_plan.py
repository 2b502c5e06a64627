"""Planning: what has to be done and why, found out without decoding and without a cluster."""

from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.config import SourceSettings, load_config
from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, NarratedVideo, Product, Rejection, Video
from narrator_ray.runs.plan import FIND_SOURCE, plan_run
from narrator_ray.runs.reasons import WorkReason
from narrator_ray.runs.work import Fingerprints, PlannedVideo, WorkItem
from narrator_ray.storage.local_folder import LocalFolder

CONFIG = load_config()
PRINTS = Fingerprints("e" * 64, "n" * 64, "prompt-1")
MUG = Video("mug", "/videos/mug.mp4", Product("mug"), "en")


def version_of(uri: str, rules: SourceSettings) -> str:
    """A catalogue of video files that are never opened."""
    if "missing" in uri:
        raise UnreadableVideo(RejectReason.VIDEO_NOT_FOUND, f"{uri} is not there")
    return f"version of {uri}"


def plan(store: ResultStore, *videos: Video, prints: Fingerprints = PRINTS):
    """A plan over made-up files."""
    return plan_run(videos, store, CONFIG, prints, version_of)


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An empty output."""
    return ResultStore.open(str(tmp_path / "out"))


def first_item(its_plan) -> WorkItem:
    """The first video of a plan, with its keys."""
    return next(its_plan.videos).item


def put_result(store: ResultStore, item: WorkItem) -> None:
    """Write the result an item asks for."""
    store.put_narration(
        NarratedVideo(
            item.video.video_id, item.narration_key, item.features_key, item.video.uri, item.video.product, "en", (),
            "decord", 1.0, "nano",
        )
    )  # fmt: skip


def test_everything_is_to_do_in_an_empty_output(store):
    """Catalogue order is kept."""
    other = replace(MUG, video_id="cup", uri="/videos/cup.mp4")
    its_plan = plan(store, MUG, other)
    assert [item.video for item in its_plan.to_do] == [MUG, other]
    assert its_plan.num_reused == 0


def test_what_is_there_is_reused(store):
    """A second plan after one result was written leaves only the other video."""
    other = replace(MUG, video_id="cup", uri="/videos/cup.mp4")
    put_result(store, first_item(plan(store, MUG, other)))
    its_plan = plan(store, MUG, other)
    assert [item.video.video_id for item in its_plan.to_do] == ["cup"]
    assert its_plan.num_reused == 1


def test_a_missing_file_is_rejected_and_the_rest_goes_on(store):
    """The rejection names stage and reason; no worker is bothered."""
    its_plan = plan(store, replace(MUG, video_id="gone", uri="/videos/missing.mp4"), MUG)
    (rejection,) = [planned.rejection for planned in its_plan.videos if planned.rejection is not None]
    assert (rejection.video_id, rejection.stage, rejection.reason) == (
        "gone",
        FIND_SOURCE,
        RejectReason.VIDEO_NOT_FOUND,
    )
    assert [item.video.video_id for item in its_plan.to_do] == ["mug"]


def test_another_model_means_another_result_from_the_same_features(store):
    """Features depend on the encoder, results on both."""
    before = first_item(plan(store, MUG))
    after = first_item(plan(store, MUG, prints=replace(PRINTS, narrator="m" * 64)))
    assert before.features_key == after.features_key
    assert before.narration_key != after.narration_key


def test_equal_rows_are_done_once(store):
    """Two ids for one video and one product share one result."""
    twin = replace(MUG, video_id="twin")
    assert [item.video.video_id for item in plan(store, MUG, twin).to_do] == ["mug"]


def test_equal_rows_are_counted_once_wherever_they_stand(store):
    """Of equal rows the first is done, whatever lies between; figures count results to be made."""
    other = replace(MUG, video_id="cup", uri="/videos/cup.mp4")
    its_plan = plan(store, other, MUG, replace(MUG, video_id="twin"), replace(other, video_id="third"))
    assert [item.video.video_id for item in its_plan.to_do] == ["cup", "mug"]
    assert (len(its_plan), its_plan.num_to_do, its_plan.num_to_decode) == (4, 2, 2)
    assert its_plan.counts == {WorkReason.NEW: 4}


def test_a_work_item_survives_the_graph():
    """Rows carry their plan as one line of JSON."""
    video = replace(MUG, clips=(Clip(0.0, 2.0),), extra={"名": 1})
    item = WorkItem(video, "v", "f", "n", True, False)
    assert WorkItem.from_json(item.to_json()) == item


def test_a_planned_video_survives_the_spool():
    """Ids with tabs and line ends, texts in any script, and a rejection."""
    rejection = Rejection("v", "/v", "split_clips", RejectReason.VIDEO_EMPTY, "a\tb\nc", "k", 2, "t1", "t2")
    item = WorkItem(replace(MUG, video_id="a\tb\n杯"), "v", "f", "n", True, False)
    planned = PlannedVideo(item, WorkReason.STILL_REJECTED, "row", rejection)
    assert "\n" not in planned.to_json()
    assert PlannedVideo.from_json(planned.to_json()) == planned


def test_a_plan_is_listed_without_a_request_per_key(store, monkeypatch):
    """What is done is found by listing, not by asking for one object after another."""
    other = replace(MUG, video_id="cup", uri="/videos/cup.mp4")
    put_result(store, first_item(plan(store, MUG, other)))
    asked = []
    monkeypatch.setattr(LocalFolder, "exists", lambda self, key: asked.append(key) or False)
    monkeypatch.setattr(LocalFolder, "read", lambda self, key: asked.append(key))
    assert plan(store, MUG, other).num_to_do == 1
    assert asked == ["latest.json"]
