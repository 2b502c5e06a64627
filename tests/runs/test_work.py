"""Planning: what has to be done, found out without decoding and without a cluster."""

from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.config import SourceSettings, load_config
from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, NarratedVideo, Product, Video
from narrator_ray.runs.work import FIND_SOURCE, Fingerprints, WorkItem, plan_run

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
    put_result(store, plan(store, MUG, other).items[0])
    its_plan = plan(store, MUG, other)
    assert [item.video.video_id for item in its_plan.to_do] == ["cup"]
    assert its_plan.num_reused == 1


def test_a_missing_file_is_rejected_and_the_rest_goes_on(store):
    """The rejection names stage and reason; no worker is bothered."""
    its_plan = plan(store, replace(MUG, video_id="gone", uri="/videos/missing.mp4"), MUG)
    (rejection,) = its_plan.rejected
    assert (rejection.video_id, rejection.stage, rejection.reason) == (
        "gone",
        FIND_SOURCE,
        RejectReason.VIDEO_NOT_FOUND,
    )
    assert [item.video.video_id for item in its_plan.to_do] == ["mug"]


def test_another_model_means_another_result_from_the_same_features(store):
    """Features depend on the encoder, results on both."""
    (before,) = plan(store, MUG).items
    (after,) = plan(store, MUG, prints=replace(PRINTS, narrator="m" * 64)).items
    assert before.features_key == after.features_key
    assert before.narration_key != after.narration_key


def test_equal_rows_are_done_once(store):
    """Two ids for one video and one product share one result."""
    twin = replace(MUG, video_id="twin")
    assert [item.video.video_id for item in plan(store, MUG, twin).to_do] == ["mug"]


def test_a_work_item_survives_the_graph():
    """Rows carry their plan as one line of JSON."""
    video = replace(MUG, clips=(Clip(0.0, 2.0),), extra={"名": 1})
    item = WorkItem(video, "v", "f", "n", True, False)
    assert WorkItem.from_json(item.to_json()) == item
