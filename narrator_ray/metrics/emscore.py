"""EMScore: a narration beside the frames of its clip, in the common space of a CLIP network.

Coarse: the narration as a whole against the mean frame. Fine: every content word against the frame that fits it best
(precision), every frame against the word that fits it best (recall). The score is the mean of coarse and the fine
F-measure; with a reference, the mean of that and of the same against the reference's words and whole.

Shapes: W words, T frames or words of the reference, D width of the space. Knows no network: ``metrics.clip_model``
makes the vectors.

Source: Shi et al. 2022 (EMScore); paper, table 3; released code, emscore_Chinese. The released code SUMS precision over
words, so that long narrations score above 1, and lets padding in: in its batches of 64 a clip with fewer words or
frames than the batch's most has similarities below zero raised to zero. ``standard`` takes the mean precision and pads
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from narrator_ray.metrics.words import CONTENT, TaggedWord, words_tagged

FloatArray = npt.NDArray[np.floating]

MOST_FRAMES: Final = 10
RELEASED_BATCH: Final = 64
SHORTEST_RELEASED: Final = 4
"""Characters; the released code leaves shorter narrations out."""
RELEASED_REFERENCE_CHARACTERS: Final = 77
"""The released code cuts references to it, but not narrations."""
_TAGS: Final = frozenset({"n", "s", "nr", "ns", "nt", "nw", "nz", "v", "vn", "a", CONTENT})


@dataclass(frozen=True, slots=True)
class EmbeddedText:
    """A text in the space of a CLIP network.

    Attributes:
        whole_D: float [D], the text as a whole, of length 1.
        words_WD: float [W, D], each content word alone, of length 1.
    """

    whole_D: FloatArray
    words_WD: FloatArray


@dataclass(frozen=True, slots=True)
class EmScore:
    """A narration beside its clip or its reference.

    Attributes:
        precision: How well its words are found there; a sum over words if released.
        recall: How well what is there is found in its words.
        f: Both together; not a number in the released definition where they add up to zero.
        coarse: How alike both are as a whole.
    """

    precision: float
    recall: float
    f: float
    coarse: float

    @property
    def score(self) -> float:
        """EMScore itself."""
        return (self.f + self.coarse) / 2


def content_words(words: Sequence[TaggedWord]) -> tuple[str, ...]:
    """Words that a frame can show: nouns, verbs and adjectives; the first word if there are none."""
    return words_tagged(words, _TAGS) or tuple(word.text for word in words[:1])


def sampled_frames(frames_TD: FloatArray) -> FloatArray:
    """At most ten of the frames, evenly spaced, first and last included."""
    if len(frames_TD) <= MOST_FRAMES:
        return frames_TD
    return frames_TD[np.linspace(0, len(frames_TD) - 1, MOST_FRAMES).astype(np.intp)]


def mean_frame(frames_TD: FloatArray) -> FloatArray:
    """The mean of the frames, brought to length 1: the clip as a whole."""
    mean_D: FloatArray = frames_TD.mean(axis=0)
    return mean_D / np.linalg.norm(mean_D)


def standard_emscore(text: EmbeddedText, others_TD: FloatArray, whole_D: FloatArray) -> EmScore:
    """A narration beside the frames of its clip or the words of its reference.

    Args:
        text: The narration; one without words has no fine match and scores half its coarse one.
        others_TD: [T, D], frames or words, T >= 1, brought to length 1 here.
        whole_D: [D], the mean frame or the reference as a whole.
    """
    coarse = float(text.whole_D @ whole_D)
    if not len(text.words_WD) or not len(others_TD):
        return EmScore(0.0, 0.0, 0.0, coarse)
    similarity_WT = text.words_WD @ (others_TD / np.linalg.norm(others_TD, axis=1, keepdims=True)).T
    precision, recall = float(similarity_WT.max(axis=1).mean()), float(similarity_WT.max(axis=0).mean())
    is_matched = precision > 0 and recall > 0
    f = 2 * precision * recall / (precision + recall) if is_matched else 0.0
    return EmScore(precision, recall, f, coarse)


@dataclass(frozen=True, slots=True)
class Padding:
    """What the released code pads a clip with.

    Attributes:
        is_in_words: Whether another narration of the batch has more words.
        is_in_others: Whether another clip of the batch has more frames, or another reference more words.
    """

    is_in_words: bool = False
    is_in_others: bool = False


def released_padding(
    num_words: Sequence[int], num_others: Sequence[int], batch_size: int = RELEASED_BATCH
) -> list[Padding]:
    """How the released code pads each clip: what a clip scores depends on its neighbours in the file.

    Args:
        num_words: Words of every narration, in the file's order.
        num_others: Frames of every clip, or words of every reference.
        batch_size: Clips scored together.
    """
    padding: list[Padding] = []
    for start in range(0, len(num_words), batch_size):
        words, others = num_words[start : start + batch_size], num_others[start : start + batch_size]
        padding += [Padding(w < max(words), o < max(others)) for w, o in zip(words, others, strict=True)]
    return padding


def released_emscore(
    text: EmbeddedText, others_TD: FloatArray, whole_D: FloatArray, padding: Padding = Padding()
) -> EmScore:
    """A narration beside the frames of its clip or the words of its reference, as the released code has it.

    Args:
        text: The narration.
        others_TD: [T, D], frames at the length they have, or words.
        whole_D: [D], the mean frame or the reference as a whole.
        padding: Of :func:`released_padding`.
    """
    similarity_WT = text.words_WD @ others_TD.T
    of_words_W, of_others_T = similarity_WT.max(axis=1), similarity_WT.max(axis=0)
    precision = float((np.maximum(of_words_W, 0) if padding.is_in_others else of_words_W).sum())
    recall = float((np.maximum(of_others_T, 0) if padding.is_in_words else of_others_T).mean())
    both = precision + recall
    f = 2 * precision * recall / both if both else float("nan")
    return EmScore(precision, recall, f, float(text.whole_D @ whole_D))


def with_reference(beside_clip: EmScore, beside_reference: EmScore) -> EmScore:
    """EMScore with a reference: the mean of both."""
    return EmScore(
        (beside_clip.precision + beside_reference.precision) / 2,
        (beside_clip.recall + beside_reference.recall) / 2,
        (beside_clip.f + beside_reference.f) / 2,
        (beside_clip.coarse + beside_reference.coarse) / 2,
    )
