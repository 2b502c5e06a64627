"""How long a narration is, and how long it may be.

Knows how words are counted and how a policy turns clips into length windows. Does not know how a window is kept: that
is the decoding constraint's work (``narration.constraint``). Loads no torch.

Source: paper, section 4 (word length); released code, whose ranges are text of the prompt only. Deviation: the window
is kept by decoding.
"""

from __future__ import annotations

from collections.abc import Sequence

from narrator_ray.config import LengthSettings
from narrator_ray.errors import LengthWindowError, RejectReason
from narrator_ray.narration.speech import TICK_S, TYPICAL_WORD_TICKS
from narrator_ray.records import Clip, Language, Video

Window = tuple[int, int]
"""Lowest and highest length, ends included, in words (en) or characters (zh); or in ticks of spoken time."""

SHORTEST_SENTENCE: dict[Language, int] = {"en": 1, "zh": 2}
"""Length of the shortest text that is a sentence: one word, or one character and its final punctuation."""

_UNITS: dict[Language, str] = {"en": "words", "zh": "characters"}


def count_words(text: str, language: Language) -> int:
    """Length of a narration.

    English: runs of characters between white space, so a contraction or a hyphenated word is one word and punctuation
    belongs to its word. Chinese: characters, punctuation included, white space not.
    """
    words = text.split()
    return len(words) if language == "en" else sum(map(len, words))


def windows_for(video: Video, clips: Sequence[Clip], settings: LengthSettings) -> tuple[Window, ...]:
    """The length window of every clip, in words or characters.

    Args:
        video: Gives the language and, depending on the policy, ``word_ranges`` or ``narrations``.
        clips: The clips to narrate, which may have been found by shot detection.
        settings: Policy, rates and margins.

    Raises:
        LengthWindowError: The catalogue does not give what the policy needs, or a window that no sentence fits.
    """
    policy = settings.policy
    if policy == "auto":
        policy = "rate" if video.word_ranges is None else "explicit"
    if policy == "explicit":
        return tuple(_explicit_windows(video, len(clips)))
    if policy == "reference":
        return tuple(_reference_windows(video, len(clips), settings))
    if (spoken := spoken_windows_for(video.language, clips, settings)) is not None:
        return tuple(_in_words(window, video.language) for window in spoken)
    rate, margin = _rate_and_margin(video.language, settings)
    return tuple(_around(round(rate * clip.duration_s), margin, video.language) for clip in clips)


def spoken_windows_for(
    language: Language, clips: Sequence[Clip], settings: LengthSettings
) -> tuple[Window, ...] | None:
    """Shortest and longest spoken time of every clip's narration in ticks at pace 1; None but for policy ``speech``."""
    if settings.policy != "speech":
        return None
    paced = [clip.duration_s * settings.pace(language) / TICK_S for clip in clips]
    return tuple((int(settings.speech_least * ticks), int(settings.speech_most * ticks)) for ticks in paced)


def _in_words(window: Window, language: Language) -> Window:
    """About how many words or characters fill a spoken time: what a prompt can ask for."""
    low, high = (round(ticks / TYPICAL_WORD_TICKS[language]) for ticks in window)
    return max(1, low), max(1, low, high, SHORTEST_SENTENCE[language])


def _rate_and_margin(language: Language, settings: LengthSettings) -> tuple[float, int]:
    if language == "en":
        return settings.rate_en, settings.margin_en
    return settings.rate_zh, settings.margin_zh


def _around(middle: int, margin: int, language: Language) -> Window:
    low = max(1, middle - margin)
    return low, max(low, middle + margin, SHORTEST_SENTENCE[language])


def _reference_windows(video: Video, num_clips: int, settings: LengthSettings) -> list[Window]:
    if video.narrations is None:
        raise _no_window("length policy `reference` needs reference texts: add `narrations`, one text a clip")
    _check_one_per_clip("narrations", len(video.narrations), num_clips)
    margin = settings.reference_margin_en if video.language == "en" else settings.reference_margin_zh
    return [_around(count_words(text, video.language), margin, video.language) for text in video.narrations]


def _explicit_windows(video: Video, num_clips: int) -> list[Window]:
    if video.word_ranges is None:
        raise _no_window("length policy `explicit` needs windows: add `word_ranges`, one [lowest, highest] a clip")
    _check_one_per_clip("word_ranges", len(video.word_ranges), num_clips)
    for index, (low, high) in enumerate(video.word_ranges):
        _check_explicit(f"word_ranges[{index}] = [{low}, {high}]", low, high, video.language)
    return list(video.word_ranges)


def _check_explicit(what: str, low: int, high: int, language: Language) -> None:
    if low < 0 or high < low:
        raise _no_window(f"{what}: expected 0 <= lowest <= highest")
    shortest = SHORTEST_SENTENCE[language]
    if high < shortest:
        raise _no_window(
            f"{what}: the shortest sentence has {shortest} {_UNITS[language]}"
            f"{' (its final punctuation counts)' if language == 'zh' else ''}; raise the highest to {shortest}"
        )


def _check_one_per_clip(field: str, num_given: int, num_clips: int) -> None:
    if num_given != num_clips:
        raise _no_window(
            f"{field} has {num_given} entries for {num_clips} clips: give `clips` too, and one entry a clip"
        )


def _no_window(detail: str) -> LengthWindowError:
    return LengthWindowError(RejectReason.NO_LENGTH_WINDOW, detail)
