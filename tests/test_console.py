"""How far a run is, in words."""

import pytest

from narrator_ray import console
from narrator_ray.console import RunProgress, eta_text
from narrator_ray.stages.progress import ProgressSnapshot

STAGES = ("split_clips", "prepare_context", "narrate_clips")


@pytest.mark.parametrize(("remaining_s", "text"), [(None, "ETA -"), (0.0, "ETA 0:00:00"), (3725.4, "ETA 1:02:05")])
def test_time_left_in_words(remaining_s, text):
    """Hours, minutes and seconds; a dash while nobody can tell."""
    assert eta_text(remaining_s) == text


def test_a_log_line_says_how_far_a_run_is(monkeypatch):
    """Finished videos, time left, counts of every stage: 8 clips in 20 s, 12 left."""
    clock = iter([100.0, 120.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    progress = RunProgress(4, STAGES)
    videos, clips = {"split_clips": 5, "prepare_context": 4}, {"prepare_context": 24}
    progress.update(ProgressSnapshot(videos, 4, {}, clips))
    progress.update(ProgressSnapshot(videos | {"narrate_clips": 2}, 12, {"split_clips": 1}, clips, 3))
    assert progress.line.startswith("3 of 4 videos, ETA 0:00:30; split clips 5, prepare context 4, narrate clips 2; ")
    assert progress.line.endswith("1 rejected")
