"""without_overlap: annotated times to clips that follow each other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrator_ray.catalog.importers.clip_times import without_overlap


@pytest.mark.parametrize(
    ("annotated", "expected"),
    [
        ([(0, 3), (3, 4.5), (6, 9)], [(0, 3), (3, 4.5), (6, 9)]),
        ([(0, 5), (5, 20), (9, 20), (20, 21)], [(0, 5), (5, 9), (9, 20), (20, 21)]),
        ([(12, 12), (13, 20)], [(12, 13), (13, 20)]),
        ([(3, 13), (13, 13), (13, 16)], [(3, 13), (13, 14), (14, 16)]),
        ([(12, 12), (12.5, 20)], [(12, 12.5), (12.5, 20)]),
        ([(5, 9), (5, 7)], [(5, 9), (9, 10)]),
        ([], []),
    ],
)
def test_overlaps_are_parted(annotated: list, expected: list) -> None:
    """Clips that already follow each other stay; others give way as little as possible."""
    assert without_overlap(annotated) == expected


@pytest.mark.parametrize("annotated", [[(5, 9), (2, 4)], [(0, 3), (6, 4)]])
def test_mistakes_are_left_to_be_reported(annotated: list) -> None:
    """A wrong order or a negative length is no overlap; changing it would hide it."""
    assert without_overlap(annotated) == annotated


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=8))
def test_any_ordered_annotation_becomes_usable(starts: list[tuple[int, int]]) -> None:
    """Whatever overlaps, the result is in order, without overlap, and every clip lasts."""
    spans = [(start, start + length) for start, length in sorted(starts)]
    fixed = without_overlap(spans)
    assert len(fixed) == len(spans)
    assert all(start < end for start, end in fixed)
    assert all(before[1] <= after[0] for before, after in pairwise(fixed))
