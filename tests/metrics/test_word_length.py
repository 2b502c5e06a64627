"""Word-length accuracy: the share of lengths inside their windows."""

import pytest

from narrator_ray.errors import MetricError
from narrator_ray.metrics.word_length import is_within, word_length_accuracy, words_outside


@pytest.mark.parametrize(("length", "outside"), [(9, -1), (10, 0), (13, 0), (16, 0), (18, 2), (0, -10)])
def test_the_ends_of_a_window_belong_to_it(length, outside):
    """And a length outside says by how much, and on which side."""
    assert words_outside(length, (10, 16)) == outside
    assert is_within(length, (10, 16)) == (outside == 0)


def test_accuracy_is_a_share():
    """An empty narration counts as one of length 0."""
    assert word_length_accuracy([10, 0, 17, 12], [(10, 16)] * 4) == 0.5


def test_nothing_has_no_accuracy():
    """Not zero."""
    with pytest.raises(MetricError, match="no clip"):
        word_length_accuracy([], [])
