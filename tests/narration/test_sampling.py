"""Choosing tokens: greedy, nucleus, penalties."""

import numpy as np
import pytest

from narrator_ray.config import DecodingSettings
from narrator_ray.narration.sampling import Sampler

SCORES = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))


def draws(count: int = 400, **settings: float) -> np.ndarray:
    """How often each token is chosen."""
    sampler = Sampler(DecodingSettings(**settings), seed=1)
    return np.bincount([sampler.choose(SCORES) for _ in range(count)], minlength=4)


def test_greedy_takes_the_best():
    """Temperature 0 is not random."""
    assert draws(temperature=0).tolist() == [400, 0, 0, 0]


def test_sampling_follows_the_probabilities():
    """At temperature 1 every token comes in proportion."""
    np.testing.assert_allclose(draws(4000, temperature=1) / 4000, [0.5, 0.3, 0.15, 0.05], atol=0.03)


def test_the_nucleus_cuts_the_tail():
    """The likeliest tokens that hold 70 %: the first two."""
    counts = draws(temperature=1, top_p=0.7)
    assert counts[:2].min() > 0
    assert counts[2:].tolist() == [0, 0]


def test_forbidden_tokens_are_never_chosen():
    """Minus infinity stays impossible at any temperature."""
    sampler = Sampler(DecodingSettings(temperature=5), seed=0)
    scores = np.array([-np.inf, 0.0, -np.inf, -1.0], np.float32)
    assert {sampler.choose(scores) for _ in range(200)} == {1, 3}


def test_the_penalty_lowers_used_tokens_on_either_side_of_zero():
    """Positive scores are divided, negative ones multiplied; others stay."""
    sampler = Sampler(DecodingSettings(repetition_penalty=2), seed=0)
    logits = np.array([4.0, -4.0, 4.0], np.float32)
    assert sampler.penalised(logits, [0, 1, 1]).tolist() == [2.0, -8.0, 4.0]
    assert logits.tolist() == [4.0, -4.0, 4.0]


def test_openings_of_the_story_are_marked_down_as_often_as_they_came():
    """Others stay, and so does what the model said."""
    sampler = Sampler(DecodingSettings(opening_penalty=1.5), seed=0)
    logits = np.array([4.0, -4.0, 4.0], np.float32)
    assert sampler.varied(logits, {0: 2, 1: 1}).tolist() == [1.0, -5.5, 4.0]
    assert logits.tolist() == [4.0, -4.0, 4.0]
    assert sampler.varied(logits, {}) is logits


@pytest.mark.parametrize("used", [[], [1]])
def test_no_penalty_changes_nothing(used):
    """A penalty of 1 is none."""
    sampler = Sampler(DecodingSettings(repetition_penalty=1), seed=0)
    assert sampler.penalised(SCORES, used) is SCORES
