"""METEOR is the authors' Java program; without Java it says so."""

import os

import numpy as np
import pytest

from narrator_ray.errors import ConfigError, MetricError
from narrator_ray.metrics.extras import has_java, has_pycocoevalcap
from narrator_ray.metrics.meteor import Meteor, meteor_values
from tests.metrics.golden import TOLERANCE, needs_golden, recorded
from tests.metrics.token_pairs import recorded_pairs

needs_java = pytest.mark.skipif(not (has_java() and has_pycocoevalcap()), reason="METEOR needs Java and pycocoevalcap")


@pytest.fixture(scope="module")
def meteor():
    """One running program."""
    with Meteor() as program:
        yield program


def values(meteor, *pairs):
    """METEOR of candidates beside their references."""
    return meteor_values(np.array([meteor.counts(*pair) for pair in pairs])).tolist()


@needs_java
def test_the_same_text_scores_one_and_a_foreign_one_nothing(meteor):
    """Chinese tokens pass through whole, whatever the machine's locale."""
    own, foreign = tuple("红色的杯子很好看"), tuple("完全不同")
    assert values(meteor, (own, own), (foreign, own)) == pytest.approx([1, 0], abs=1e-6)


@needs_java
def test_a_score_is_that_of_the_hand(meteor):
    """Two of four tokens match in one chunk: P 1/2, R 1/2; the penalty is 0.6 x (1/2)^0.2."""
    (value,) = values(meteor, (("zq1", "zq2", "zq3", "zq4"), ("zq1", "zq2", "zq5", "zq6")))
    assert value == pytest.approx(0.5 * (1 - 0.6 * 0.5**0.2), abs=1e-6)


@needs_java
def test_an_empty_candidate_scores_nothing(meteor):
    """And the program goes on."""
    assert values(meteor, ((), ("cup", "red")), (("cup", "red"), ("cup", "red"))) == pytest.approx([0, 1], abs=1e-6)


def test_function_words_count_less_and_other_modules_too():
    """By hand: eight tokens, five matched in one chunk, of them two function words and one by its synonym."""
    matches = (2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0)
    precision, recall = 2.6 / (0.75 * 6 + 0.25 * 2), 2.6 / (0.75 * 7 + 0.25 * 3)
    mean = precision * recall / (0.85 * precision + 0.15 * recall)
    (value,) = meteor_values(np.array([(8, 10, 2, 3, *matches, 1, 5, 5)], np.float64))
    assert value == pytest.approx(mean * (1 - 0.6 * (1 / 5) ** 0.2))


@needs_java
def test_a_program_that_ended_is_an_error():
    """Not a wait without end."""
    program = Meteor()
    program.close()
    with pytest.raises(MetricError, match="ended"):
        program.counts(("a",), ("a",))


def test_without_java_it_says_what_to_install(monkeypatch, tmp_path):
    """So that the other metrics can go on."""
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"Java runtime|pycocoevalcap"):
        Meteor()


@needs_golden
@needs_java
def test_scores_are_those_of_the_released_code(meteor):
    """Per clip and over the corpus, which is not the clips' mean."""
    expected = recorded("expected_caption.json.gz")
    counts_NS = np.array([meteor.counts(candidate, reference) for candidate, reference in recorded_pairs()])
    clips = meteor_values(counts_NS)
    np.testing.assert_allclose(clips, expected["meteor_per_item"], atol=TOLERANCE)
    corpus = meteor_values(counts_NS.sum(axis=0, keepdims=True))[0]
    assert corpus == pytest.approx(expected["meteor_final"], abs=TOLERANCE)
    assert np.mean(clips) == pytest.approx(expected["meteor_mean"], abs=TOLERANCE)
