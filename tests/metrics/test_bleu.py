"""BLEU counts n-grams clip by clip and scores them together."""

import math

import numpy as np
import pytest

from narrator_ray.metrics.bleu import bleu_counts, bleu_values
from tests.metrics.golden import TOLERANCE, needs_golden, recorded
from tests.metrics.token_pairs import recorded_pairs


def vectors(*pairs: tuple) -> np.ndarray:
    """Counts [N, 10] of candidates beside their references."""
    return np.array([bleu_counts(*pair).vector for pair in pairs])


def test_counts_are_those_of_the_hand():
    """Candidate a b a, reference a b c d: of three tokens two match, of two pairs one."""
    counts = bleu_counts(("a", "b", "a"), ("a", "b", "c", "d"))
    assert (counts.num_tokens, counts.num_reference_tokens) == (3, 4)
    assert counts.ngrams == (3, 2, 1, 0)
    assert counts.matches == (2, 1, 0, 0)


def test_scores_are_those_of_the_hand():
    """The same example: too short by one token, so multiplied by exp(1 - 4/3)."""
    values_B = bleu_values(vectors((("a", "b", "a"), ("a", "b", "c", "d"))))[:, 0]
    penalty = math.exp(1 - 4 / 3)
    np.testing.assert_allclose(values_B[:2], [2 / 3 * penalty, math.sqrt(2 / 3 * 1 / 2) * penalty], rtol=1e-6)


def test_a_corpus_is_scored_over_all_n_grams_together():
    """One perfect clip of four tokens and one wrong clip of one: four of five tokens match."""
    same, wrong = ("a", "b", "c", "d"), ("x",)
    counts_NS = vectors((same, same), (wrong, ("y",)))
    assert bleu_values(counts_NS.sum(axis=0, keepdims=True))[0, 0] == pytest.approx(4 / 5)
    assert bleu_values(counts_NS)[0].tolist() == pytest.approx([1, 0], abs=1e-6)


def test_an_empty_candidate_scores_nothing():
    """It is scored, not left out."""
    assert bleu_values(vectors(((), ("a", "b")))).tolist() == [[0.0]] * 4


@needs_golden
def test_scores_are_those_of_the_released_code():
    """Per clip and over the corpus."""
    expected = recorded("expected_caption.json.gz")
    counts_NS = vectors(*recorded_pairs())
    clips_BN, corpus_B = bleu_values(counts_NS), bleu_values(counts_NS.sum(axis=0, keepdims=True))[:, 0]
    for row in range(4):
        name = f"bleu_{row + 1}"
        np.testing.assert_allclose(clips_BN[row], expected["bleu_per_item"][name], atol=TOLERANCE)
        assert corpus_B[row] == pytest.approx(expected["scores"][name], abs=TOLERANCE)
