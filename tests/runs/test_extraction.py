"""Features without narrations: what is left to make, and what came of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, Rejection
from narrator_ray.runs.extraction import ExtractionSummary, features_plan
from narrator_ray.runs.publish import announce_run, withdraw_run
from narrator_ray.runs.reasons import WorkReason
from narrator_ray.runs.run_folder import run_folder, unfinished_runs
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.tally import Tally
from narrator_ray.schema import VideoFeatures
from tests.runs.nights import PRINTS, VIDEOS, night, plan_of

CUP, MUG, POT = VIDEOS
MISSING = replace(CUP, video_id="lost", uri="/videos/missing.mp4")


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An empty output."""
    return ResultStore.open(str(tmp_path / "out"))


def put_features(store: ResultStore, key: str) -> None:
    """One frame of one clip."""
    store.put_features(
        key,
        VideoFeatures(
            clips=(Clip(0.0, 2.0),),
            clip_index_T=np.zeros(1, np.int32),
            time_s_T=np.array([0.5]),
            tokens_TQD=np.zeros((1, 4, 8), np.float16),
            thumbnails_jpeg=(b"",),
            duration_s=2.0,
            fps=1.0,
            decoder="decord",
            encoder_fingerprint=PRINTS.encoder,
            source_version="",
        ),
    )


def test_features_that_are_there_are_not_made_again(store):
    """Of three videos one has them; the results asked for are named by the features' keys."""
    put_features(store, next(plan_of(store).videos).item.features_key)
    plan = features_plan(plan_of(store))
    assert [item.video for item in plan.to_do] == [MUG, POT]
    assert (plan.num_reused, plan.num_to_do, plan.num_to_decode) == (1, 2, 2)
    assert all(item.narration_key == item.features_key for item in plan.to_do)


def test_one_file_with_two_products_is_looked_at_once(store):
    """Narrations differ, features do not."""
    twin = replace(MUG, video_id="twin", uri=CUP.uri)
    plan = plan_of(store, [CUP, twin])
    assert plan.num_to_do == 2
    assert [item.video for item in features_plan(plan).to_do] == [CUP]


def test_narrated_videos_whose_features_are_gone_are_done(store):
    """After a night, `gc` or a lifecycle rule may have taken them."""
    night(store)
    assert plan_of(store).num_to_do == 0
    assert features_plan(plan_of(store)).counts == {WorkReason.RESULT_GONE: 3}


def test_what_was_rejected_stays_so(store):
    """A file that cannot be read is not tried every night, one that is not there is counted."""
    night(store, rejected={"mug": UnreadableVideo(RejectReason.VIDEO_UNREADABLE, "no picture")})
    plan = features_plan(plan_of(store, [CUP, MUG, MISSING]))
    assert [item.video for item in plan.to_do] == [CUP]
    assert (plan.counts[WorkReason.STILL_REJECTED], plan.counts[WorkReason.NOT_FOUND]) == (1, 1)


def test_every_video_is_counted_once(store):
    """Made, there before, rejected now, not found: all of the catalogue, also where rows share a file."""
    put_features(store, next(plan_of(store).videos).item.features_key)
    twin = replace(MUG, video_id="twin")
    plan = features_plan(plan_of(store, [*VIDEOS, twin, MISSING]))
    tally = Tally(("split_clips", "encode_features"))
    mug = next(item for item in plan.to_do if item.video == MUG)
    rejection = Rejection("mug", MUG.uri, "split_clips", RejectReason.VIDEO_EMPTY, "no bytes")
    tally.add(Outcome(mug.narration_key, rejection, {}))
    summary = ExtractionSummary.of(plan, tally, "out", 0.5)
    assert (summary.num_videos, summary.num_extracted, summary.num_reused, summary.num_rejected) == (5, 1, 1, 3)
    assert summary.rejections == (rejection,)
    assert summary.has_too_many_rejected


def test_an_extraction_that_has_ended_stands_in_nobodys_way(store):
    """`gc` waits for runs under way; this one leaves no run behind, so its mark is taken away."""
    announce_run(store, run_folder("run-1"), 3)
    assert [run_id for run_id, _ in unfinished_runs(store.storage)] == ["run-1"]
    withdraw_run(store, run_folder("run-1"))
    assert not list(unfinished_runs(store.storage))
