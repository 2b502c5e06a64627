"""EMScore: words against frames. Standard is sound; released repeats the sums and the padding of the recorded code."""

import math
from functools import cache
from itertools import chain

import numpy as np
import pytest

from narrator_ray.metrics.clip_model import ClipModel
from narrator_ray.metrics.emscore import (
    RELEASED_REFERENCE_CHARACTERS,
    EmbeddedText,
    EmScore,
    Padding,
    content_words,
    mean_frame,
    released_emscore,
    released_padding,
    sampled_frames,
    standard_emscore,
    with_reference,
)
from narrator_ray.metrics.words import TaggedWord
from tests.metrics.golden import GOLDEN, TOLERANCE, frames, needs_golden, recorded, tagger

RIGHT, UP, LEFT = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)


def rows(*vectors: tuple[float, float]) -> np.ndarray:
    """Vectors as rows."""
    return np.array(vectors, np.float64)


def text(whole: tuple[float, float], *words: tuple[float, float]) -> EmbeddedText:
    """A text of vectors."""
    return EmbeddedText(np.array(whole), rows(*words))


def test_content_words_are_chosen_by_tag_or_the_first():
    """Nouns, verbs and adjectives, repeated ones included; the first word where there are none."""
    tagged = [TaggedWord("很", "d"), TaggedWord("红", "a"), TaggedWord("杯子", "n"), TaggedWord("红", "a")]
    assert content_words(tagged) == ("红", "杯子", "红")
    assert content_words(tagged[:1]) == ("很",)
    assert content_words([]) == ()


@pytest.mark.parametrize(("num_frames", "kept"), [(3, [0, 1, 2]), (11, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10])])
def test_at_most_ten_frames_are_looked_at(num_frames, kept):
    """Evenly spaced, rounded down."""
    assert sampled_frames(np.arange(num_frames, dtype=float)[:, None])[:, 0].tolist() == kept


def test_standard_scores_are_those_of_the_hand():
    """Words right, right, up beside a frame to the right of any length: P is 2/3, R is 1, F 4/5."""
    score = standard_emscore(text(RIGHT, RIGHT, RIGHT, UP), rows((3.0, 0.0)), np.array(RIGHT))
    assert score == EmScore(pytest.approx(2 / 3), 1, pytest.approx(4 / 5), 1)
    assert score.score == pytest.approx((4 / 5 + 1) / 2)


def test_released_precision_is_a_sum():
    """So a long narration scores above one."""
    score = released_emscore(text(RIGHT, RIGHT, RIGHT, UP), rows(RIGHT), np.array(RIGHT))
    assert score == EmScore(2, 1, pytest.approx(4 / 3), 1)
    assert score.score > 1


def test_released_padding_raises_negative_similarities():
    """Beside a longer neighbour, what is below zero becomes zero; F may then not exist."""
    opposite, frame = text(LEFT, LEFT), rows(RIGHT)
    assert released_emscore(opposite, frame, frame[0]) == EmScore(-1, -1, -1, -1)
    padded = released_emscore(opposite, frame, frame[0], Padding(is_in_words=True, is_in_others=True))
    assert (padded.precision, padded.recall) == (0, 0)
    assert math.isnan(padded.f)


def test_standard_of_what_does_not_match_is_no_match():
    """Below zero there is no harmonic mean: F is 0, and always a number."""
    assert standard_emscore(text(LEFT, LEFT), rows(RIGHT), np.array(RIGHT)).f == 0
    assert standard_emscore(EmbeddedText(np.array(RIGHT), np.empty((0, 2))), rows(RIGHT), np.array(RIGHT)).score == 0.5


def test_padding_is_by_batch():
    """Two clips at a time: the longer of each pair is not padded."""
    padding = released_padding([3, 2, 5], [1, 1, 9], batch_size=2)
    assert padding == [Padding(False, False), Padding(True, False), Padding(False, False)]


def test_with_a_reference_both_are_averaged():
    """Part by part, as is the score."""
    both = with_reference(EmScore(1, 0.5, 0.6, 0.2), EmScore(0, 0.1, 0.2, 0.4))
    assert both == EmScore(0.5, 0.3, 0.4, pytest.approx(0.3))
    assert both.score == pytest.approx(0.35)


def embedded(contents: list[str]) -> dict[str, EmbeddedText]:
    """Texts in the space of the recorded tiny network."""
    words = {content: content_words(tagger(False).tag(content)) for content in contents}
    different = sorted({*contents, *chain.from_iterable(words.values())})
    vectors = dict(zip(different, clip_model().embed_texts(different), strict=True))
    return {
        content: EmbeddedText(vectors[content], np.stack([vectors[w] for w in words[content]])) for content in contents
    }


@cache
def clip_model() -> ClipModel:
    """The recorded tiny network."""
    return ClipModel.load(GOLDEN / "chinese_clip_tiny")


def released(candidates, references, clip_frames, batch_size):
    """All three released scores of every clip, as the recorded code groups them."""
    of = embedded([*candidates, *references])
    texts, others = [of[content] for content in candidates], [of[content] for content in references]
    num_words = [len(item.words_WD) for item in texts]
    of_frames = released_padding(num_words, [len(item) for item in clip_frames], batch_size)
    of_references = released_padding(num_words, [len(item.words_WD) for item in others], batch_size)
    beside_clips = [
        released_emscore(item, some, mean_frame(some), pad)
        for item, some, pad in zip(texts, clip_frames, of_frames, strict=True)
    ]
    beside_references = [
        released_emscore(item, other.words_WD, other.whole_D, pad)
        for item, other, pad in zip(texts, others, of_references, strict=True)
    ]
    both = [with_reference(*pair) for pair in zip(beside_clips, beside_references, strict=True)]
    return {"EMScore(X,V)": beside_clips, "EMScore(X,X*)": beside_references, "EMScore(X,V,X*)": both}


def assert_recorded(scores: list[EmScore], expected: dict) -> None:
    """Every part of every score, not-a-number where the recorded code has it."""
    parts = {"figr_P": "precision", "figr_R": "recall", "figr_F": "f", "cogr": "coarse", "full_F": "score"}
    for name, part in parts.items():
        ours = [getattr(score, part) for score in scores]
        np.testing.assert_allclose(ours, expected[name], atol=TOLERANCE, rtol=TOLERANCE, err_msg=name)


@needs_golden
def test_scores_are_those_of_the_released_code():
    """Per clip and on average, with the recorded frames."""
    expected = recorded("expected_emscore.json.gz")
    clips = [sampled_frames(frames()[key]) for key in expected["keys"]]
    scores = released(expected["cands"], expected["refs"], clips, 64)
    for name, some in scores.items():
        assert_recorded(some, expected["per_item"][name])
        mean = np.mean([score.score for score in some])
        assert mean == pytest.approx(expected["means"][name]["full_F"], abs=TOLERANCE)


@needs_golden
def test_references_were_cut_and_short_narrations_left_out():
    """What the recorded code compared follows from its output file."""
    expected, entries = recorded("expected_emscore.json.gz"), recorded("output.json")
    assert expected["keys"] == [key for key, entry in entries.items() if len(entry.get("0.1", "")) >= 4]
    assert expected["refs"] == [entries[key]["gt"][:RELEASED_REFERENCE_CHARACTERS] for key in expected["keys"]]


@needs_golden
def test_content_words_are_those_of_the_released_code():
    """Without the user dictionary."""
    for content, words in recorded("expected_emscore.json.gz")["content_words"].items():
        assert list(content_words(tagger(False).tag(content))) == words


@needs_golden
@pytest.mark.parametrize("batch_size", [64, 5, 3])
def test_padding_is_that_of_the_released_code(batch_size):
    """Frames that oppose the words, in batches of several sizes: the scores depend on them."""
    expected = recorded("expected_emscore_negative_sims.json.gz")
    clips = [np.array(expected["features"][key], np.float32) for key in expected["keys"]]
    scores = released(expected["cands"], expected["refs"], clips, batch_size)
    for name, some in scores.items():
        assert_recorded(some, expected["by_batch_size"][str(batch_size)][name])
