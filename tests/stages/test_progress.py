"""The board: what stages report becomes counts for the display and values of metrics."""

from narrator_ray.cost import StageCost
from narrator_ray.stages.progress import ProgressBoard, RunStart
from tests.stages.fakes import FakeSink

RUN = RunStart(3, "narrate", {"narrate": 0.5}, {"features": 1, "narrations": 2})


def board_of_a_run():
    """A board after two videos, one of which was rejected at once."""
    sink = FakeSink()
    board = ProgressBoard(sink)
    board.begin(RUN)
    board.finish("split", StageCost(1.0, 0.5), "video_empty")
    board.finish("split", StageCost(2.0, 1.5, num_clips=4), None)
    board.add_clips(4)
    board.finish("narrate", StageCost(8.0, 12.0, 0, 4, 40, 300, 70), None)
    return board, sink


def test_the_display_sees_what_left_each_stage():
    """Videos, clips and rejections by stage, and how many videos are finished."""
    snapshot = board_of_a_run()[0].snapshot()
    assert (snapshot.videos, snapshot.clips_by_stage) == ({"split": 2, "narrate": 1}, {"split": 4, "narrate": 4})
    assert (snapshot.clips, snapshot.rejected, snapshot.num_finished) == (4, 1, 2)


def test_metrics_add_up():
    """Every value under its stage, reason or kind; GPU seconds are the share of a GPU times the seconds."""
    values = board_of_a_run()[1].values
    assert values["narrator_videos", "split"] == values["narrator_video_seconds", "split"] == 2
    assert values["narrator_rejected_videos", "split", "video_empty"] == 1
    assert values["narrator_busy_seconds", "split"] == 3.0
    assert values["narrator_cpu_seconds", "split"] == 2.0
    assert values["narrator_gpu_seconds", "narrate"] == 4.0
    assert [values["narrator_tokens", kind] for kind in ("written", "read", "shared")] == [40, 300, 70]
    assert [values["narrator_cache_hits", kind] for kind in ("features", "narrations")] == [1, 2]


def test_remaining_videos_go_down_and_never_below_none():
    """Work that was done twice counts twice, but nothing less than nothing is left."""
    board, sink = board_of_a_run()
    assert sink.values[("narrator_remaining_videos",)] == 1
    for _ in range(3):
        board.finish("narrate", StageCost(), None)
    assert sink.values[("narrator_remaining_videos",)] == 0
