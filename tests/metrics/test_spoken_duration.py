"""Spoken-duration fit: is the voice done when the clip is."""

from narrator_ray.metrics.spoken_duration import SpokenClip


def test_fit_fill_and_overrun_are_those_of_the_hand():
    """Half a clip, a whole one, two seconds too long, and silence."""
    clips = [SpokenClip(2, 4), SpokenClip(5, 5), SpokenClip(6, 4), SpokenClip(0, 3)]
    assert [clip.is_fitting for clip in clips] == [True, True, False, True]
    assert [clip.filled for clip in clips] == [0.5, 1, 1, 0]
    assert [clip.overrun_s for clip in clips] == [0, 0, 2, 0]
