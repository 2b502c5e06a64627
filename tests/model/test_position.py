"""Relative clip positions, as in the released code."""

import json

from narrator_ray.model.position import relative_position
from tests.model.golden import GOLDEN, needs_golden


def positions(*durations_s: float) -> list[int]:
    """Positions of all clips."""
    return [relative_position(durations_s, index) for index in range(len(durations_s))]


def test_the_ends_are_fixed_and_the_middle_is_in_proportion():
    """The middle of the second of three equal clips is half-way."""
    assert positions(3, 3, 3) == [0, 50, 99]


def test_a_single_clip_is_the_end():
    """First and last at once counts as last."""
    assert positions(7) == [99]


@needs_golden
def test_every_recorded_list_is_reproduced():
    """All recorded clip lists."""
    recorded = json.loads((GOLDEN / "positions" / "positions.json").read_text())
    assert len(recorded) >= 20
    for case in recorded:
        assert positions(*(end - start for start, end in case["times"])) == case["final"]
