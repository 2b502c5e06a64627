"""Time left: the arithmetic."""

import pytest

from narrator_ray.stages.eta import WINDOW_S, Eta, clips_left
from narrator_ray.stages.progress import ProgressSnapshot

STAGES = ("split", "prepare", "narrate")


def snapshot(prepared=0, clips_prepared=0, told=0, **rejected):
    """Counts of the last two stages, and rejections by stage."""
    return ProgressSnapshot({"prepare": prepared}, told, rejected, {"prepare": clips_prepared})


def left(counts, num_videos=10):
    """Clips left of a run of so many videos."""
    return clips_left(counts, num_videos, "prepare", "narrate")


def test_clips_of_prepared_videos_are_known_and_others_like_them():
    """4 videos with 20 clips, of which 7 are told; 6 videos to come with 5 clips each."""
    assert left(snapshot(prepared=4, clips_prepared=20, told=7)) == 13 + 30


def test_videos_to_come_are_rejected_as_often_as_those_seen():
    """One of five was rejected, so of the 5 to come 4 are expected to be narrated."""
    assert left(snapshot(prepared=4, clips_prepared=20, told=20, split=1)) == pytest.approx(4 * 5)


def test_a_video_rejected_by_the_last_stage_is_not_waited_for():
    """Its clips, taken as the average, are not left any more."""
    assert left(snapshot(prepared=4, clips_prepared=20, told=15, narrate=1), num_videos=4) == 0


def test_one_rejected_while_it_was_prepared_was_not_prepared():
    """It left that stage, too, but has no clips to tell."""
    assert left(snapshot(prepared=5, clips_prepared=20, told=20, prepare=1), num_videos=5) == 0


def test_nothing_is_known_before_the_first_video_is_prepared():
    """No guess without a clip."""
    assert left(snapshot(split=3)) is None


def test_time_left_is_clips_left_by_the_rate():
    """10 clips in 20 s since the first; 33 left."""
    eta = Eta(10, STAGES)
    eta.update(snapshot(prepared=4, clips_prepared=20, told=0), 0.0)
    assert eta.remaining_s is None
    eta.update(snapshot(prepared=4, clips_prepared=20, told=1), 50.0)
    assert eta.remaining_s is None
    eta.update(snapshot(prepared=4, clips_prepared=20, told=11), 70.0)
    assert eta.remaining_s == pytest.approx((9 + 30) * 20 / 10)


def test_the_rate_is_that_of_the_last_minutes():
    """What was slow long ago is forgotten; a run that stands still has no end."""
    eta = Eta(10, STAGES)
    eta.update(snapshot(prepared=10, clips_prepared=50, told=1), 0.0)
    eta.update(snapshot(prepared=10, clips_prepared=50, told=2), 1000.0)
    eta.update(snapshot(prepared=10, clips_prepared=50, told=22), 1010.0)
    assert eta.remaining_s == pytest.approx(28 * 10 / 20)
    eta.update(snapshot(prepared=10, clips_prepared=50, told=22), 1011.0 + WINDOW_S)
    assert eta.remaining_s is None
