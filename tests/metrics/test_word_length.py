"""Word-length accuracy: the share of lengths inside their windows."""

import pytest

from narrator_ray.metrics.word_length import is_within, words_outside


@pytest.mark.parametrize(("length", "outside"), [(9, -1), (10, 0), (13, 0), (16, 0), (18, 2), (0, -10)])
def test_the_ends_of_a_window_belong_to_it(length, outside):
    """And a length outside says by how much, and on which side."""
    assert words_outside(length, (10, 16)) == outside
    assert is_within(length, (10, 16)) == (outside == 0)
