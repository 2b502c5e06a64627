"""METEOR is the authors' Java program; without Java it says so."""

import os

import numpy as np
import pytest

from narrator_ray.errors import ConfigError, MetricError
from narrator_ray.metrics.extras import has_java, has_pycocoevalcap
from narrator_ray.metrics.meteor import Meteor
from tests.metrics.golden import TOLERANCE, needs_golden, recorded
from tests.metrics.token_pairs import recorded_pairs

needs_java = pytest.mark.skipif(not (has_java() and has_pycocoevalcap()), reason="METEOR needs Java and pycocoevalcap")


@pytest.fixture(scope="module")
def meteor():
    """One running program."""
    with Meteor() as program:
        yield program


@needs_java
def test_the_same_text_scores_one_and_a_foreign_one_nothing(meteor):
    """Chinese tokens pass through whole, whatever the machine's locale."""
    texts = [tuple("红色的杯子很好看"), tuple("完全不同")]
    statistics = [meteor.statistics(text, texts[0]) for text in texts]
    assert meteor.scores(statistics).clips == pytest.approx((1, 0), abs=1e-6)


@needs_java
def test_a_score_is_that_of_the_hand(meteor):
    """Two of four tokens match in one chunk: P 1/2, R 1/2; the penalty is 0.6 x (1/2)^0.2."""
    scores = meteor.scores([meteor.statistics(("zq1", "zq2", "zq3", "zq4"), ("zq1", "zq2", "zq5", "zq6"))])
    assert scores.corpus == pytest.approx(0.5 * (1 - 0.6 * 0.5**0.2), abs=1e-6)
    assert scores.clips == (scores.corpus,)


@needs_java
def test_an_empty_candidate_scores_nothing(meteor):
    """And the program goes on."""
    statistics = [meteor.statistics((), ("cup", "red")), meteor.statistics(("cup", "red"), ("cup", "red"))]
    assert meteor.scores(statistics).clips == pytest.approx((0, 1), abs=1e-6)


@needs_java
def test_no_clip_is_no_score(meteor):
    """There is no METEOR of nothing."""
    with pytest.raises(MetricError, match="no clip"):
        meteor.scores([])


@needs_java
def test_a_program_that_ended_is_an_error():
    """Not a wait without end."""
    program = Meteor()
    program.close()
    with pytest.raises(MetricError, match="ended"):
        program.statistics(("a",), ("a",))


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
    scores = meteor.scores([meteor.statistics(candidate, reference) for candidate, reference in recorded_pairs()])
    np.testing.assert_allclose(scores.clips, expected["meteor_per_item"], atol=TOLERANCE)
    assert scores.corpus == pytest.approx(expected["meteor_final"], abs=TOLERANCE)
    assert np.mean(scores.clips) == pytest.approx(expected["meteor_mean"], abs=TOLERANCE)
