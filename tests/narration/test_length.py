"""Counting words and choosing length windows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrator_ray.config import LengthSettings
from narrator_ray.errors import LengthWindowError, RejectReason
from narrator_ray.narration.length import SHORTEST_SENTENCE, count_words, spoken_windows_for, windows_for
from narrator_ray.records import Clip, Product, Video


def make_video(**fields):
    """A video with the given fields."""
    return Video("v", "/v.mp4", Product("Glow Mug"), fields.pop("language", "en"), **fields)


CLIPS = (Clip(0.0, 4.0), Clip(4.0, 6.4))


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("It's a well-known mug, $1.50!", "en", 5),
        ("  two\n words ", "en", 2),
        ("", "en", 0),
        ("好喝，不贵。", "zh", 6),
        ("用 USB 充电 。", "zh", 7),
    ],
)
def test_counts_words_as_readers_do(text, language, expected):
    """English counts whitespace words; Chinese counts characters with punctuation, without white space."""
    assert count_words(text, language) == expected


def test_rate_policy_is_rate_times_seconds_with_a_margin():
    """2.5 words a second in English and 5 characters in Chinese, three either side."""
    assert windows_for(make_video(), CLIPS, LengthSettings()) == ((7, 13), (3, 9))
    assert windows_for(make_video(language="zh"), CLIPS, LengthSettings()) == ((17, 23), (9, 15))


@given(
    st.floats(0.01, 60),
    st.floats(0.1, 20),
    st.integers(0, 5),
    st.sampled_from(["en", "zh"]),
)
def test_rate_windows_always_hold_a_sentence(seconds, rate, margin, language):
    """However short the clip, the lowest is at least 1 and a sentence fits."""
    settings = LengthSettings(policy="rate", rate_en=rate, rate_zh=rate, margin_en=margin, margin_zh=margin)
    ((low, high),) = windows_for(make_video(language=language), (Clip(0, seconds),), settings)
    assert 1 <= low <= high
    assert high >= SHORTEST_SENTENCE[language]


def test_reference_policy_is_the_length_of_the_reference_with_a_margin():
    """Five words either side in English, three characters in Chinese."""
    settings = LengthSettings(policy="reference")
    english = make_video(narrations=("One two three four five six seven.", "One."))
    chinese = make_video(language="zh", narrations=("快来试试吧！", "好"))
    assert windows_for(english, CLIPS, settings) == ((2, 12), (1, 6))
    assert windows_for(chinese, CLIPS, settings) == ((3, 9), (1, 4))


def test_auto_policy_takes_explicit_windows_where_the_catalogue_gives_them():
    """`auto` is explicit with word_ranges and rate without."""
    assert windows_for(make_video(word_ranges=((3, 4), (5, 5))), CLIPS, LengthSettings()) == ((3, 4), (5, 5))
    assert windows_for(make_video(), CLIPS, LengthSettings(policy="auto"))[0] == (7, 13)


@pytest.mark.parametrize(
    ("policy", "fields", "expected"),
    [
        ("explicit", {}, "add `word_ranges`"),
        ("reference", {}, "add `narrations`"),
        ("explicit", {"word_ranges": ((1, 2),)}, "1 entries for 2 clips"),
        ("explicit", {"word_ranges": ((1, 2), (3, 2))}, r"word_ranges\[1\] = \[3, 2\]"),
        ("explicit", {"word_ranges": ((0, 0), (3, 4))}, "raise the highest to 1"),
        ("explicit", {"word_ranges": ((1, 1), (3, 4)), "language": "zh"}, "raise the highest to 2"),
    ],
)
def test_a_missing_or_impossible_window_is_an_error_that_says_what_to_add(policy, fields, expected):
    """The error has the reason for reports and tells the catalogue's author what to change."""
    with pytest.raises(LengthWindowError, match=expected) as caught:
        windows_for(make_video(**fields), CLIPS, LengthSettings(policy=policy))
    assert caught.value.reason is RejectReason.NO_LENGTH_WINDOW


def test_speech_policy_is_a_share_of_the_clip_at_the_pace_of_the_voice():
    """In ticks at pace 1: a voice that speaks faster has room for more; the prompt asks for about as many words."""
    settings = LengthSettings(policy="speech", pace_en=1.2, pace_zh=2.0, speech_least=0.5, speech_most=0.75)
    assert spoken_windows_for("en", CLIPS, settings) == ((240, 360), (144, 216))
    assert spoken_windows_for("zh", CLIPS, settings) == ((400, 600), (240, 360))
    assert windows_for(make_video(), CLIPS, settings) == ((8, 12), (5, 7))
    assert spoken_windows_for("en", CLIPS, LengthSettings()) is None


def test_a_spoken_window_without_room_is_refused():
    """The two shares must lie apart."""
    with pytest.raises(ValueError, match=r"speech_least 0.8 and speech_most 0.85: the highest must exceed"):
        LengthSettings(policy="speech", speech_least=0.8, speech_most=0.85)
