"""Repetition: words that a story told before."""

import pytest

from narrator_ray.metrics.repetition import (
    Repetition,
    released_repetition,
    released_words,
    standard_repetition,
    standard_words,
)
from tests.metrics.golden import TOLERANCE, needs_golden, recorded, stories, tagger


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        (["面霜", "好"], ["面霜", "面霜好"]),
        (["好", "面霜"], ["好面霜", "面霜"]),
        (["面霜", "，", "好", "用"], ["面霜", "好用"]),
        (["面霜", "。"], ["面霜"]),
        (["好"], []),
        ([], []),
        (["面霜", "！"], ["面霜", "面霜！"]),
        (["我", "很", "好"], ["我很", "很好"]),
        (["好", "好用"], ["好用"]),
    ],
)
def test_released_glues_single_characters(words, counted):
    """To the word before, or to the one after, but over no pause."""
    assert released_words(words) == counted


def test_standard_words_have_two_characters():
    """As they are."""
    assert standard_words(["我", "面霜", "，", "S.F.E"]) == ["面霜", "S.F.E"]


def test_released_counts_a_word_for_every_earlier_clip():
    """The last clip's word was told twice before: three repetitions among four words."""
    clips = [["面霜"], ["面霜"], ["面霜", "保湿"]]
    assert released_repetition(clips) == Repetition(3, 4)
    assert standard_repetition(clips) == Repetition(2, 3)


def test_a_word_twice_in_one_clip_is_no_repetition():
    """Only earlier clips count; standard looks at what comes after the first."""
    clips = [["面霜", "面霜"], ["保湿"]]
    assert released_repetition(clips).share == standard_repetition(clips).share == 0


@pytest.mark.parametrize("clips", [[], [["面霜"]], [["面霜"], []]])
def test_one_clip_cannot_repeat(clips):
    """There is no value, which is not zero."""
    assert released_repetition(clips) is None
    assert standard_repetition(clips) is None


@needs_golden
def test_scores_are_those_of_the_released_code():
    """Per video and on average."""
    expected = recorded("expected_intra_repeat.json.gz")
    shares = {}
    for video_id, story in stories().items():
        clips = [released_words([word.text for word in tagger(True).tag(text)]) for text in story.values()]
        found = released_repetition(clips)
        if found is not None:
            item = expected["per_video"][video_id]
            assert [words for words in clips if words] == item["words"], video_id
            assert (found.num_repeated, found.num_words) == (item["rep"], item["len"])
            shares[video_id] = found.share
    assert shares.keys() == expected["per_video"].keys()
    assert sum(shares.values()) / len(shares) == pytest.approx(expected["mean"], abs=TOLERANCE)
