"""InfoSim: how close a narration comes to the facts about its product.

The narration as a whole and each of its content words is compared with the fact that is closest; the score is the mean
of the former and of the words' mean.

Shapes: W words, P points, D width of the vectors, all of length 1. Knows no network: ``metrics.sentence_model`` makes
the vectors.

Source: paper, table 3; released code, info_sim.py, which never scores the last clip of its file, cuts narrations at 77
characters and points at their first space. Weights of points cancel there, but a best point of weight zero leaves no
score. ``standard`` scores every clip, an empty narration with 0, and cuts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import MetricError
from narrator_ray.metrics.words import CONTENT, TaggedWord, words_tagged

FloatArray = npt.NDArray[np.floating]

RELEASED_CHARACTERS: Final = 77
_SHORTEST_POINT: Final = 2
_FULL_STOP = "。"
_TAGS: Final = frozenset({"l", "n", "s", "nr", "ns", "nt", "nw", "nz", "a", CONTENT})


def content_words(words: Sequence[TaggedWord]) -> tuple[str, ...]:
    """Words that can name a fact: nouns, adjectives and set phrases."""
    return words_tagged(words, _TAGS)


def usable_points(points: Sequence[str]) -> list[int]:
    """Which points are compared with: those of more than one character."""
    return [place for place, point in enumerate(points) if len(point) >= _SHORTEST_POINT]


def released_text(text: str) -> str:
    """The narration with a full stop at its end."""
    return text if text.endswith(_FULL_STOP) else text + _FULL_STOP


def released_clips(texts: Sequence[str | None]) -> list[int]:
    """Which clips of a file the released code scores: those with a text, but never the file's last.

    Args:
        texts: Narration of every clip of the file, in order; None or empty where there is none.

    Raises:
        MetricError: The released code fails on such a file.
    """
    if len(texts) > 1 and not texts[0]:
        raise MetricError("InfoSim, released: the code fails where the first clip of the file has no narration")
    scored = [place for place, text in enumerate(texts[:-1]) if text]
    if not scored:
        raise MetricError("InfoSim, released: the code fails where the file has fewer than two narrations")
    return scored


def info_sim(
    text_D: FloatArray, words_WD: FloatArray, points_PD: FloatArray, weights_P: Sequence[float] | None = None
) -> float:
    """InfoSim of one narration, -1 to 1.

    Args:
        text_D: [D], the narration as a whole.
        words_WD: [W, D], its content words; without any, the whole counts alone.
        points_PD: [P, D], the product's points, P >= 1.
        weights_P: Weights of the points in the released code; only zero makes a difference: then there is no score.

    Raises:
        MetricError: The product has no points.
    """
    if not len(points_PD):
        raise MetricError("InfoSim: the product has no point of more than one character, not even a name")
    whole = _best(text_D[None], points_PD, weights_P)[0]
    return float((whole + _best(words_WD, points_PD, weights_P).mean()) / 2) if len(words_WD) else float(whole)


def _best(texts_ND: FloatArray, points_PD: FloatArray, weights_P: Sequence[float] | None) -> FloatArray:
    similarity_NP = texts_ND @ points_PD.T
    best_N: FloatArray = similarity_NP.max(axis=1)
    if weights_P is None:
        return best_N
    is_weightless_N = np.asarray(weights_P)[similarity_NP.argmax(axis=1)] == 0
    return np.where(is_weightless_N, np.nan, best_N)
