"""Agreement of raters: Pearson as in the paper, and Krippendorff's alpha."""

import pytest

from narrator_ray.metrics.agreement import krippendorff_alpha, mean_pearson, pearson

# The worked example of Krippendorff 2011, section C: four observers, twelve units, marks missing.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def marks(row: list) -> dict[str, float]:
    """What one observer gave, by unit."""
    return {str(unit): mark for unit, mark in enumerate(row) if mark is not None}


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_the_published_example(level, alpha):
    """To its three digits."""
    assert krippendorff_alpha([marks(row) for row in OBSERVERS], level) == pytest.approx(alpha, abs=5e-4)


def test_alpha_is_one_for_equals_and_below_zero_for_opposites():
    """And None where nothing was rated twice or all marks are one."""
    up, down = marks([0, 1, 2, 3]), marks([3, 2, 1, 0])
    assert krippendorff_alpha([up, up], "interval") == 1
    assert krippendorff_alpha([up, down], "interval") < -0.5
    assert krippendorff_alpha([up], "interval") is None
    assert krippendorff_alpha([marks([2, 2]), marks([2, 2])], "interval") is None


def test_pearson_is_over_what_both_rated():
    """Half the marks of the other are twice as high in the same order."""
    first, second = {"a": 0.0, "b": 1.0, "c": 1.5, "x": 9.0}, {"c": 3.0, "b": 2.0, "a": 0.0, "y": 0.0}
    assert pearson(first, second) == pytest.approx(1)
    assert pearson(first, {"a": 3.0, "b": 1.0}) == pytest.approx(-1)
    assert pearson(first, {"a": 3.0}) is None
    assert pearson(first, {"a": 2.0, "b": 2.0}) is None


def test_the_mean_is_of_pairs_that_have_a_correlation():
    """One pair agrees, one disagrees, one has nothing in common."""
    up, down, other = {"a": 0.0, "b": 1.0, "c": 2.0}, {"a": 2.0, "b": 1.0, "c": 0.0}, {"z": 1.0}
    assert mean_pearson([up, down, other]) == pytest.approx(-1)
    assert mean_pearson([up, up, down]) == pytest.approx((1 - 1 - 1) / 3)
    assert mean_pearson([up, other]) is None
