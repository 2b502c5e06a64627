"""BLEU-1 to 4: the share of a candidate's n-grams that its reference has, short candidates penalised.

Counts of single clips add up to the corpus's. One definition over two kinds of tokens (``metrics.captions``). Shares
are those of pycocoevalcap, with which every paper of the field computes them: numerators and denominators are raised by
next to nothing, so that a text too short for an n-gram scores almost, but not quite, zero.

Source: Papineni et al. 2002; paper, table 2; released code, evaluate_ads.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from narrator_ray.metrics.captions import Tokens

LONGEST: Final = 4
_TINY: Final = 1e-15
_SMALL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class BleuCounts:
    """What BLEU needs to know of one clip.

    Attributes:
        num_tokens: Of the candidate.
        num_reference_tokens: Of the reference.
        ngrams: The candidate's n-grams, n from 1 to 4.
        matches: How many of them the reference has, each as often as it has it.
    """

    num_tokens: int
    num_reference_tokens: int
    ngrams: tuple[int, ...]
    matches: tuple[int, ...]

    @property
    def vector(self) -> tuple[float, ...]:
        """All of them, in that order."""
        return tuple(map(float, (self.num_tokens, self.num_reference_tokens, *self.ngrams, *self.matches)))


def bleu_counts(candidate: Tokens, reference: Tokens) -> BleuCounts:
    """The counts of one clip."""
    sizes = range(1, LONGEST + 1)
    matches = [(_ngrams(candidate, n) & _ngrams(reference, n)).total() for n in sizes]
    ngrams = [max(0, len(candidate) - n + 1) for n in sizes]
    return BleuCounts(len(candidate), len(reference), tuple(ngrams), tuple(matches))


def bleu_values(counts_NS: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """BLEU-1 to 4 [4, N] of N vectors of counts, of one clip or summed over many; no tokens at all score 0.

    The BLEU of a corpus is that of its summed counts, not the mean of its clips'.
    """
    num_tokens, num_reference_tokens, rest = counts_NS[:, 0], counts_NS[:, 1], counts_NS[:, 2:]
    precision_NB = (rest[:, LONGEST:] + _TINY) / (rest[:, :LONGEST] + _SMALL)
    means_NB = np.exp(np.cumsum(np.log(precision_NB), axis=1) / np.arange(1, LONGEST + 1))
    ratio_N = (num_tokens + _TINY) / (num_reference_tokens + _SMALL)
    penalty_N = np.exp(np.minimum(0.0, 1 - 1 / ratio_N))
    values_BN: npt.NDArray[np.float64] = means_NB.T * penalty_N
    return values_BN


def _ngrams(tokens: Tokens, size: int) -> Counter[Tokens]:
    return Counter(tokens[start : start + size] for start in range(len(tokens) - size + 1))
