"""Spoken-duration fit: is the voice done when the clip is."""

import pytest

from narrator_ray.errors import MetricError
from narrator_ray.metrics.spoken_duration import SpokenClip, SpokenFit, spoken_fit


def test_fit_fill_and_overrun_are_those_of_the_hand():
    """Half a clip, a whole one, two seconds too long, and silence."""
    clips = [SpokenClip(2, 4), SpokenClip(5, 5), SpokenClip(6, 4), SpokenClip(0, 3)]
    assert [clip.is_fitting for clip in clips] == [True, True, False, True]
    assert spoken_fit(clips) == SpokenFit(fitting=0.75, filled=(0.5 + 1 + 1 + 0) / 4, overrun_s=0.5)


def test_nothing_has_no_fit():
    """Not zero."""
    with pytest.raises(MetricError, match="no clip"):
        spoken_fit([])
