"""InfoDiverse: how many of its product's facts a story tells, per second.

A fact counts as told when a word of the story is almost the same (cosine above 0.9), and a word tells one fact.

Shapes: W words, P points, D width of the vectors, all of length 1. Knows no network: ``metrics.sentence_model`` makes
the vectors.

Source: paper, table 3; released code, info_diverse.py. There a point is lost when the word closest to it told an
earlier point, even if another word would do; a narration that brings no new word counts as a word itself; only the
seconds of clips with a narration count; and a story of one-character words makes the code fail. ``standard`` matches
words and points one to one in the best possible way, over the seconds of all clips, and such a story scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import MetricError
from narrator_ray.metrics.words import TaggedWord

FloatArray = npt.NDArray[np.floating]

TOLD_ABOVE: Final = 0.9
_SHORTEST_WORD: Final = 2


@dataclass(frozen=True, slots=True)
class StoryWords:
    """What of a story is compared with the points.

    Attributes:
        texts: Different words, in order of first use.
        num_words: Words of the story, repeated ones included.
    """

    texts: tuple[str, ...]
    num_words: int


def released_words(narrations: Sequence[str], words: Sequence[Sequence[TaggedWord]]) -> StoryWords:
    """Words of a story as the released code collects them.

    Args:
        narrations: Texts of the clips that have one, empty ones included.
        words: Their words.
    """
    texts: list[str] = []
    num_words = 0
    for narration, tagged in zip(narrations, words, strict=True):
        long = [word.text for word in tagged if len(word.text) >= _SHORTEST_WORD]
        num_words += len(long)
        new = [word for word in dict.fromkeys(long) if word not in texts]
        texts += new or [narration]
    return StoryWords(tuple(texts), num_words)


def standard_words(words: Sequence[Sequence[TaggedWord]]) -> StoryWords:
    """Words of a story: of two or more characters."""
    long = [word.text for tagged in words for word in tagged if len(word.text) >= _SHORTEST_WORD]
    return StoryWords(tuple(dict.fromkeys(long)), len(long))


def released_told(points_PD: FloatArray, words_WD: FloatArray) -> list[int]:
    """Which points are told: those whose closest word is close enough and told no earlier point."""
    similarity_PW = points_PD @ words_WD.T
    told: dict[int, int] = {}
    for point, word in enumerate(similarity_PW.argmax(axis=1).tolist()):
        if similarity_PW[point, word] > TOLD_ABOVE:
            told.setdefault(word, point)
    return sorted(told.values())


def standard_told(points_PD: FloatArray, words_WD: FloatArray) -> list[int]:
    """Which points are told when words are given to points, one each, so that as many as possible are."""
    is_close_PW = points_PD @ words_WD.T > TOLD_ABOVE
    teller: dict[int, int] = {}

    def is_given(point: int, tried: set[int]) -> bool:
        for word in np.flatnonzero(is_close_PW[point]).tolist():
            if word in tried:
                continue
            tried.add(word)
            if word not in teller or is_given(teller[word], tried):
                teller[word] = point
                return True
        return False

    for point in range(len(points_PD)):
        is_given(point, set())
    return sorted(teller.values())


def released_info_diverse(num_told: int, num_words: int, told_s: float) -> float:
    """InfoDiverse of one story, in facts a second.

    Args:
        num_told: Points told.
        num_words: Words of the story.
        told_s: Seconds of the clips with a narration.

    Raises:
        MetricError: The released code fails on such a story.
    """
    if not num_words or (num_told and not told_s):
        raise MetricError(
            "InfoDiverse, released: the code fails on a story without words of two characters or without seconds"
        )
    return num_told / told_s if num_told else 0.0


def standard_info_diverse(num_told: int, story_s: float) -> float:
    """InfoDiverse of one story, in facts a second, over the seconds of all clips (above zero)."""
    return num_told / story_s
