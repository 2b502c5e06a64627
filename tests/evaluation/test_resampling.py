"""Intervals cover what they should, tests find what is there and not what is not."""

import numpy as np
import pytest

from narrator_ray.evaluation.resampling import Resampling, holm, interval, p_value
from narrator_ray.evaluation.scores import mean_value


def stories(rng: np.random.Generator, mean: float, number: int = 40) -> np.ndarray:
    """Statistics [V, 2] of stories of three clips each, whose scores scatter by one."""
    return np.stack([rng.normal(mean, 1, (number, 3)).sum(1), np.full(number, 3.0)], axis=1)


def test_nineteen_of_twenty_intervals_hold_the_truth():
    """Of 200 samples of stories with mean 5."""
    rng, held = np.random.default_rng(0), 0
    for seed in range(200):
        low, high = interval(Resampling(300, seed).bootstrap(stories(rng, 5.0), mean_value))
        held += low <= 5.0 <= high
    assert 0.89 <= held / 200 <= 0.98


def test_clips_of_one_story_are_drawn_together():
    """Two hundred clips that all score alike within two stories are two observations, not two hundred."""
    statistics = np.array([[100.0, 100.0], [0.0, 100.0]])
    values = Resampling(1000).bootstrap(statistics, mean_value)
    assert set(values.round(6)) == {0.0, 0.5, 1.0}
    assert interval(values) == (0.0, 1.0)


def test_a_difference_that_is_there_is_found():
    """And one that is not there seldom: p is below 0.05 about as often as chance has it."""
    rng, found = np.random.default_rng(1), []
    for seed in range(100):
        ours, theirs = stories(rng, 5.0), stories(rng, 5.0)
        difference = float(mean_value(ours.sum(0)[None])[0] - mean_value(theirs.sum(0)[None])[0])
        found.append(p_value(difference, Resampling(200, seed).swapped(ours, theirs, mean_value)))
    assert np.mean(np.array(found) < 0.05) < 0.13
    better = stories(rng, 6.0)
    theirs = stories(rng, 5.0)
    difference = float(mean_value(better.sum(0)[None])[0] - mean_value(theirs.sum(0)[None])[0])
    assert p_value(difference, Resampling(1000).swapped(better, theirs, mean_value)) < 0.005


def test_equal_systems_do_not_differ():
    """Chance explains it all."""
    same = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert p_value(0.0, Resampling(200).swapped(same, same, mean_value)) == 1.0


def test_many_comparisons_are_adjusted_for():
    """By hand: 3 x 0.01, then 2 x 0.04 = 0.08, then 0.05 raised to it."""
    assert holm([0.05, 0.01, 0.04]) == pytest.approx([0.08, 0.03, 0.08])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_same_seed_draws_the_same():
    """Whatever the number drawn at once."""
    statistics = stories(np.random.default_rng(2), 1.0)
    first, again = (Resampling(250, 7).bootstrap(statistics, mean_value) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len(first) == 250
