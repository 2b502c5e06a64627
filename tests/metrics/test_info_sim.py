"""InfoSim: the closest fact to a narration and to each of its words."""

import math

import numpy as np
import pytest

from narrator_ray.errors import MetricError
from narrator_ray.metrics.info_sim import (
    RELEASED_CHARACTERS,
    content_words,
    info_sim,
    released_clips,
    released_text,
    usable_points,
)
from narrator_ray.metrics.knowledge import released_points
from narrator_ray.metrics.words import TaggedWord
from tests.metrics.embedded import vectors
from tests.metrics.golden import TOLERANCE, narrations, needs_golden, recorded, tagger, videos

RIGHT, UP = np.array([1.0, 0.0]), np.array([0.0, 1.0])
SLANTED = np.array([0.6, 0.8])


def test_scores_are_those_of_the_hand():
    """The whole is 0.8 from its point; its words 1 and 0.6 (the nearer of both points each time)."""
    points = np.stack([UP])
    assert info_sim(SLANTED, np.stack([UP, RIGHT]), points) == pytest.approx((0.8 + (1 + 0) / 2) / 2)
    assert info_sim(SLANTED, np.stack([UP, RIGHT]), np.stack([UP, RIGHT])) == pytest.approx((0.8 + 1) / 2)


def test_without_content_words_the_whole_counts_alone():
    """Nothing is invented for words."""
    assert info_sim(SLANTED, np.empty((0, 2)), np.stack([RIGHT])) == pytest.approx(0.6)


def test_a_product_without_points_has_no_score():
    """Not zero."""
    with pytest.raises(MetricError, match="no point"):
        info_sim(RIGHT, np.stack([UP]), np.empty((0, 2)))


def test_weights_cancel_but_for_zero():
    """As in the released code: a best point without weight leaves no score."""
    points, words = np.stack([UP, RIGHT]), np.stack([RIGHT])
    assert info_sim(RIGHT, words, points, [0, 3.5]) == info_sim(RIGHT, words, points)
    assert math.isnan(info_sim(RIGHT, words, points, [3.5, 0]))


def test_content_words_are_nouns_adjectives_and_phrases():
    """Verbs are not among them, unlike EMScore's."""
    tagged = [TaggedWord("用", "v"), TaggedWord("红", "a"), TaggedWord("红景天", "l"), TaggedWord("，", "x")]
    assert content_words(tagged) == ("红", "红景天")


def test_points_of_one_character_are_not_compared():
    """Nor are empty ones."""
    assert usable_points(["面霜", "红", "", "保湿"]) == [0, 3]


@pytest.mark.parametrize(
    ("texts", "scored"), [(["甲", "乙", "丙"], [0, 1]), (["甲", None, "丙"], [0]), (["甲", "乙", ""], [0, 1])]
)
def test_released_never_scores_the_last_clip(texts, scored):
    """Of the whole file, that is; without a text it costs nothing."""
    assert released_clips(texts) == scored


@pytest.mark.parametrize("texts", [[None, "乙", "丙"], ["", "乙"], ["甲"], []])
def test_where_the_released_code_fails_there_is_no_score(texts):
    """It says so."""
    with pytest.raises(MetricError, match="the code fails"):
        released_clips(texts)


def released_scores(keys: list[str], texts: dict[str, str | None], weight: float = 1.0) -> list[float]:
    """Scores of the clips of a file in the recorded code's way."""
    scored = [keys[place] for place in released_clips([texts[key] for key in keys])]
    scores = []
    for key in scored:
        text = released_text(texts[key] or "")
        points = released_points(videos()[key.rsplit("_")[0]].product)
        points = [points[place] for place in usable_points(points)]
        words = content_words(tagger(True).tag(text))
        embedded = vectors([text[:RELEASED_CHARACTERS], *words, *points])
        whole, of_words, of_points = embedded[0], embedded[1 : 1 + len(words)], embedded[1 + len(words) :]
        scores.append(info_sim(whole, of_words, of_points, [weight] * len(points)))
    return scores


@needs_golden
def test_scores_are_those_of_the_released_code():
    """Per clip and on average."""
    expected, texts = recorded("expected_info_sim.json.gz"), narrations()
    scores = released_scores(list(texts), texts)
    np.testing.assert_allclose(scores, expected["per_clip"], atol=TOLERANCE)
    assert np.mean(scores) == pytest.approx(expected["mean"], abs=TOLERANCE)


@needs_golden
def test_corner_cases_are_those_of_the_released_code():
    """One video; a last video of one clip; weights of zero; a first clip without narration."""
    expected, texts = recorded("expected_edge_cases.json"), narrations()
    keys = list(texts)
    of_video = {video: [key for key in keys if key.startswith(f"{video}_")] for video in videos()}
    first, second = list(of_video)[:2]
    single = released_scores(of_video[first], texts)
    assert len(single) == expected["info_sim_single_video"]["n_scored"]
    assert np.mean(single) == pytest.approx(float(expected["info_sim_single_video"]["printed"]), abs=TOLERANCE)
    two = released_scores(of_video[first] + of_video[second][:1], texts)
    assert len(two) == expected["info_sim_last_video_single_clip"]["n_scored"]
    assert math.isnan(np.mean(released_scores(of_video[first], texts, weight=0.0)))
    assert expected["info_sim_all_zero_idf"]["printed"] == "nan"
    with pytest.raises(MetricError):
        released_clips([None, *(texts[key] for key in of_video[first])])
    assert expected["info_sim_first_entry_missing"]["error"]
