"""CIDEr-D: how alike candidate and reference are in the n-grams that few references share, in tens.

In how many references an n-gram occurs is a statistic of the corpus (:class:`ReferenceCorpus`), counted once; a clip's
score then needs only that and its own texts. One definition over two kinds of tokens (``metrics.captions``).

Source: Vedantam et al. 2015, CIDEr-D; paper, table 2; released code, evaluate_ads.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from narrator_ray.metrics.captions import Tokens

LONGEST: Final = 4
_LENGTH_DEVIATION: Final = 6.0
_SCALE: Final = 10.0


@dataclass(frozen=True, slots=True)
class ReferenceCorpus:
    """In how many references each n-gram occurs.

    Attributes:
        num_references: References counted.
        num_with: Of every n-gram, how many of them have it.
    """

    num_references: int
    num_with: Mapping[Tokens, int]

    @classmethod
    def count(cls, references: Iterable[Tokens]) -> ReferenceCorpus:
        """Count references."""
        num_references, num_with = 0, Counter[Tokens]()
        for reference in references:
            num_references += 1
            num_with.update(set(_ngrams(reference)))
        return cls(num_references, num_with)

    @classmethod
    def merge(cls, parts: Iterable[ReferenceCorpus]) -> ReferenceCorpus:
        """The counts of several parts of a corpus together."""
        num_references, num_with = 0, Counter[Tokens]()
        for part in parts:
            num_references += part.num_references
            num_with.update(part.num_with)
        return cls(num_references, num_with)

    def rarity(self, ngram: Tokens) -> float:
        """Inverse document frequency, natural logarithm; an n-gram that no reference has is as rare as one can be."""
        return math.log(self.num_references) - math.log(max(1, self.num_with.get(ngram, 0)))


def cider_d(candidate: Tokens, reference: Tokens, corpus: ReferenceCorpus) -> float:
    """CIDEr-D of one clip, 0 to 10; a corpus of one reference knows no rare n-grams and gives 0.

    Args:
        candidate: What was narrated.
        reference: What the annotators wrote.
        corpus: Statistics of all references.
    """
    ours, theirs = _ngrams(candidate), _ngrams(reference)
    closeness = sum(_closeness(_weighed(ours, n, corpus), _weighed(theirs, n, corpus)) for n in range(1, LONGEST + 1))
    difference = _num_pairs(candidate) - _num_pairs(reference)
    return _SCALE * closeness / LONGEST * math.exp(-(difference**2) / (2 * _LENGTH_DEVIATION**2))


def _ngrams(tokens: Tokens) -> Counter[Tokens]:
    return Counter(tokens[start : start + n] for n in range(1, LONGEST + 1) for start in range(len(tokens) - n + 1))


def _num_pairs(tokens: Tokens) -> int:
    """The length that CIDEr-D compares: pairs of neighbours, one fewer than tokens."""
    return max(0, len(tokens) - 1)


def _weighed(ngrams: Counter[Tokens], size: int, corpus: ReferenceCorpus) -> dict[Tokens, float]:
    return {ngram: count * corpus.rarity(ngram) for ngram, count in ngrams.items() if len(ngram) == size}


def _closeness(ours: Mapping[Tokens, float], theirs: Mapping[Tokens, float]) -> float:
    """Cosine of two vectors of weights, of which the first is cut to the second's."""
    product = sum(min(weight, theirs[ngram]) * theirs[ngram] for ngram, weight in ours.items() if ngram in theirs)
    norms = math.hypot(*ours.values()) * math.hypot(*theirs.values())
    return product / norms if norms else 0.0
