"""BLEU, CIDEr-D and METEOR of stories: candidates beside references, clip by clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from narrator_ray.evaluation.scorer import Place, Scorer, Stories
from narrator_ray.evaluation.scores import Marks, Sums, ValueOf
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.bleu import LONGEST, bleu_counts, bleu_values
from narrator_ray.metrics.captions import Tokens, released_tokens, standard_tokens
from narrator_ray.metrics.cider import ReferenceCorpus, cider_d
from narrator_ray.metrics.meteor import meteor_values
from narrator_ray.metrics.table import Definition

Pairs = dict[str, tuple[Tokens, Tokens]]
"""Tokens of candidate and reference of every clip that is compared."""
_LACKS: Final = "the references have no narrations that could be compared"


class BleuScorer(Scorer):
    """BLEU-1 to 4."""

    names: ClassVar = tuple(f"bleu_{n}" for n in range(1, LONGEST + 1))
    lacks: ClassVar = _LACKS

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """Counts of n-grams, which add up, and the BLEU of each clip."""
        pairs, num_left_out = _pairs(stories, definition, tools)
        counts = {key: bleu_counts(*pair).vector for key, pair in pairs.items()}
        values_BN = bleu_values(np.array(list(counts.values()), np.float64).reshape(len(counts), -1)).tolist()
        return [
            Marks(name, definition, dict(zip(counts, values, strict=True)), num_left_out, statistics=counts)
            for name, values in zip(self.names, values_BN, strict=True)
        ]

    def value_of(self, metric: str) -> ValueOf:
        """BLEU of counts."""
        return BleuOfCounts(self.names.index(metric))


@dataclass(frozen=True, slots=True)
class BleuOfCounts:
    """BLEU-n of summed counts.

    Attributes:
        row: n - 1.
    """

    row: int

    def __call__(self, sums_RS: Sums) -> npt.NDArray[np.float64]:
        """Values [R]."""
        values_R: npt.NDArray[np.float64] = bleu_values(sums_RS)[self.row]
        return values_R


class CiderScorer(Scorer):
    """CIDEr-D, 0 to 10."""

    names: ClassVar = ("cider_d",)
    lacks: ClassVar = _LACKS

    def survey(self, stories: Stories, definition: Definition, tools: Tools) -> ReferenceCorpus:
        """How often n-grams occur in the references."""
        pairs, _ = _pairs(stories, definition, tools)
        return ReferenceCorpus.count(reference for _, reference in pairs.values())

    def merge(self, surveys: Sequence[Any]) -> ReferenceCorpus:
        """In all references."""
        return ReferenceCorpus.merge(surveys)

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """CIDEr-D of each clip."""
        pairs, num_left_out = _pairs(stories, definition, tools)
        return [Marks("cider_d", definition, {k: cider_d(*pair, known) for k, pair in pairs.items()}, num_left_out)]


class MeteorScorer(Scorer):
    """METEOR 1.5, by a program that is slow to start."""

    names: ClassVar = ("meteor",)
    place: ClassVar[Place] = "actor"
    lacks: ClassVar = _LACKS

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """The program's counts, which add up, and the METEOR of each clip."""
        pairs, num_left_out = _pairs(stories, definition, tools)
        counts = {key: tools.meteor.counts(*pair) for key, pair in pairs.items()}
        values = meteor_values(np.array(list(counts.values()), np.float64)).tolist() if counts else []
        items = dict(zip(counts, values, strict=True))
        return [Marks("meteor", definition, items, num_left_out, statistics=counts)]

    def value_of(self, metric: str) -> ValueOf:
        """METEOR of counts."""
        return meteor_values


def _pairs(stories: Stories, definition: Definition, tools: Tools) -> tuple[Pairs, int]:
    """What is compared, and how many clips with a reference are left out."""
    tokens = {
        clip.key: (_tokens(clip.narration, story, definition, tools), _tokens(clip.reference, story, definition, tools))
        for story in stories
        for clip in story.clips
        if clip.reference is not None
    }
    pairs = {key: (ours, theirs) for key, (ours, theirs) in tokens.items() if ours is not None and theirs is not None}
    return pairs, len(tokens) - len(pairs)


def _tokens(text: str | None, story: JudgedStory, definition: Definition, tools: Tools) -> Tokens | None:
    if definition == "released":
        return released_tokens(text or "", tools.encode)
    return standard_tokens(text or "", story.video.language)
