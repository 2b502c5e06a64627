"""CIDEr-D: what few references share counts; the statistics of a corpus are counted once."""

import math
import random

import numpy as np
import pytest

from narrator_ray.metrics.cider import ReferenceCorpus, cider_d
from tests.metrics.golden import TOLERANCE, needs_golden, recorded
from tests.metrics.token_pairs import recorded_pairs


def random_texts(seed: int, num_texts: int) -> list[tuple[str, ...]]:
    """Texts of up to twelve of eight different words."""
    rng = random.Random(seed)
    return [tuple(rng.choices("abcdefgh", k=rng.randint(1, 12))) for _ in range(num_texts)]


def test_scores_are_those_of_the_hand():
    """Reference "a b" among two: a candidate "a c" shares one of the two single words, whose weights are log 2 each."""
    corpus = ReferenceCorpus.count([("a", "b"), ("x", "y")])
    assert corpus.rarity(("a",)) == pytest.approx(math.log(2))
    closeness = (1 / 2) / 4  # single words: cosine 1/2; pairs: none shared; longer: there are none
    assert cider_d(("a", "c"), ("a", "b"), corpus) == pytest.approx(10 * closeness)


def test_a_word_of_every_reference_counts_nothing():
    """Its rarity is zero."""
    corpus = ReferenceCorpus.count([("the", "cup"), ("the", "hat")])
    assert corpus.rarity(("the",)) == 0
    assert cider_d(("the",), ("the", "hat"), corpus) == 0


def test_a_longer_candidate_is_penalised():
    """By a Gaussian of the difference, six tokens being one deviation."""
    corpus = ReferenceCorpus.count([("a",), ("b",)])
    exact = cider_d(("a",), ("a",), corpus)
    assert exact == pytest.approx(10 / 4)
    assert cider_d(("a",) * 7, ("a",), corpus) == pytest.approx(exact / 7 * math.exp(-1 / 2))


def test_an_empty_candidate_scores_nothing():
    """It is scored, not left out; and so is any candidate where one reference is the whole corpus."""
    corpus = ReferenceCorpus.count([("a",), ("b",)])
    assert cider_d((), ("a",), corpus) == 0
    assert cider_d(("a",), ("a",), ReferenceCorpus.count([("a",)])) == 0


@pytest.mark.parametrize("size", [1, 3, 40])
def test_statistics_do_not_depend_on_batches(size):
    """Parts counted apart and merged are the whole."""
    references = random_texts(1, 40)
    parts = [ReferenceCorpus.count(references[start : start + size]) for start in range(0, 40, size)]
    assert ReferenceCorpus.merge(parts) == ReferenceCorpus.count(references)


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_pycocoevalcap(seed):
    """Whatever the texts."""
    cider = pytest.importorskip("pycocoevalcap.cider.cider").Cider()
    candidates, references = random_texts(seed, 30), random_texts(seed + 100, 30)
    mean, clips = cider.compute_score(
        {n: [" ".join(text)] for n, text in enumerate(references)},
        {n: [" ".join(text)] for n, text in enumerate(candidates)},
    )
    corpus = ReferenceCorpus.count(references)
    ours = [cider_d(*pair, corpus) for pair in zip(candidates, references, strict=True)]
    np.testing.assert_allclose(ours, clips, atol=1e-9)
    assert np.mean(ours) == pytest.approx(mean)


@needs_golden
def test_scores_are_those_of_the_released_code():
    """Per clip and on average."""
    expected = recorded("expected_caption.json.gz")
    pairs = recorded_pairs()
    corpus = ReferenceCorpus.count(reference for _, reference in pairs)
    scores = [cider_d(candidate, reference, corpus) for candidate, reference in pairs]
    np.testing.assert_allclose(scores, expected["cider_per_item"], atol=TOLERANCE)
    assert np.mean(scores) == pytest.approx(expected["scores"]["cider"], abs=TOLERANCE)
