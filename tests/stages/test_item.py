"""The per-item boundary: what it turns into a rejected row, and what it lets through."""

import json

import pyarrow as pa
import pytest

from narrator_ray.errors import MAX_DETAIL_CHARACTERS, RejectReason, StorageError, UnreadableVideo
from narrator_ray.records import Product, Rejection, Video
from narrator_ray.runs.work import WorkItem
from narrator_ray.schema import PLANNED
from narrator_ray.stages.item import StageRow, attempt, planned_row, rows_of, table_of

WORK = WorkItem(Video("v", "/v.mp4", Product("mug"), "en"), "1", "fkey", "nkey", False, False)


def raises(error):
    """A step that fails."""

    def step():
        raise error

    return step


def test_a_result_comes_back_as_it_is():
    """The boundary changes nothing when all is well."""
    assert attempt(WORK, "stage", lambda: 42) == 42


def test_an_item_error_becomes_a_rejection_with_stage_and_reason():
    """What the stage knows about the fault reaches the rejected table."""
    rejected = attempt(WORK, "split_clips", raises(UnreadableVideo(RejectReason.VIDEO_EMPTY, "no bytes")))
    assert rejected == Rejection("v", "/v.mp4", "split_clips", RejectReason.VIDEO_EMPTY, "no bytes")


def test_a_bug_costs_one_video_and_is_logged(caplog):
    """An error nobody foresaw is a rejected row that names it, and a traceback in the log."""
    rejected = attempt(WORK, "encode", raises(ZeroDivisionError("x / 0")))
    assert (rejected.reason, rejected.detail) == (RejectReason.UNEXPECTED, "ZeroDivisionError: x / 0")
    assert "ZeroDivisionError" in caplog.text


def test_what_is_not_the_videos_fault_stops_the_run():
    """An output that cannot be written must not turn into thousands of rejected videos."""
    with pytest.raises(StorageError):
        attempt(WORK, "encode", raises(StorageError("disk full")))


def test_details_are_bounded():
    """A decoder's novel does not blow up the rejected table."""
    rejected = attempt(WORK, "s", raises(UnreadableVideo(RejectReason.VIDEO_UNREADABLE, "x" * 10_000)))
    assert len(rejected.detail) == MAX_DETAIL_CHARACTERS


def test_a_rejected_row_is_not_touched_again():
    """The first stage that gives up decides."""
    row = StageRow(planned_row(WORK))
    assert row.run("first", raises(UnreadableVideo(RejectReason.VIDEO_EMPTY, "no bytes"))) is None
    assert row.run("second", lambda: 1) is None
    assert row.rejection.stage == "first"
    assert list(row.costs) == ["first"]


def test_a_row_survives_the_hand_over():
    """Work, rejection and costs travel through Arrow from stage to stage."""
    row = StageRow(planned_row(WORK))
    row.run("first", lambda: 1)
    row.run("second", raises(UnreadableVideo(RejectReason.VIDEO_EMPTY, "no bytes")))
    (copy,) = rows_of(table_of([row.output()], PLANNED))
    assert (copy.work, copy.rejection, list(copy.costs)) == (row.work, row.rejection, ["first", "second"])


def test_columns_a_row_lacks_become_null():
    """A rejected row has no frames, and the schema still holds."""
    schema = pa.schema([*PLANNED, ("frames", pa.binary())])
    table = table_of([planned_row(WORK)], schema)
    assert table.schema == schema
    assert table["frames"].to_pylist() == [None]
    assert json.loads(table["trace"][0].as_py()) == []


@pytest.mark.parametrize("error", [MemoryError("host"), type("OutOfMemoryError", (RuntimeError,), {})("device")])
def test_memory_that_ran_out_has_a_reason_of_its_own(error):
    """It may suffice another night, so such a video is tried again by itself."""
    assert attempt(WORK, "stage", raises(error)).reason == RejectReason.OUT_OF_MEMORY
