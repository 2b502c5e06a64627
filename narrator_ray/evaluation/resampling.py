"""How far values may be trusted: bootstrap intervals and paired tests, over stories.

Clips of one story are not independent, so whole stories are drawn: a story comes with the statistics of all its clips.
Values are computed anew from the summed statistics of what was drawn, so that corpus metrics (BLEU, METEOR, mean F1)
are treated as what they are, not as means of clips. CIDEr's counts of rare words stay those of all references.

Shapes: V stories, R resamples, S statistics.

Source: Efron 1979 (bootstrap); Koehn 2004 (over corpora); Riezler and Maxwell 2005 (approximate randomisation);
Holm 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from narrator_ray.evaluation.scores import Sums, ValueOf

CONFIDENCE: Final = 0.95
_AT_ONCE: Final = 100
"""Resamples whose draws are in memory at once."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Resampling:
    """How often is drawn, and with which seed; the same draws for everything that is compared.

    Attributes:
        num_resamples: R.
        seed: Of the draws.
    """

    num_resamples: int = 1000
    seed: int = 0

    def bootstrap(self, statistics_VS: Sums, value_of: ValueOf) -> Values:
        """Values [R] of as many stories drawn with replacement."""
        rng, num_stories = np.random.default_rng(self.seed), len(statistics_VS)
        shares = np.full(num_stories, 1 / num_stories)
        drawn = [
            rng.multinomial(num_stories, shares, size=number) @ statistics_VS for number in _numbers(self.num_resamples)
        ]
        return value_of(np.concatenate(drawn))

    def swapped(self, ours_VS: Sums, theirs_VS: Sums, value_of: ValueOf) -> Values:
        """Differences [R] of two systems of which each story is given to the other by the toss of a coin."""
        rng, sums, total = np.random.default_rng(self.seed), list[Sums](), ours_VS.sum(0) + theirs_VS.sum(0)
        for number in _numbers(self.num_resamples):
            is_swapped_RV = rng.random((number, len(ours_VS))) < 0.5
            sums.append(ours_VS.sum(0) + is_swapped_RV @ (theirs_VS - ours_VS))
        swapped_RS = np.concatenate(sums)
        return value_of(swapped_RS) - value_of(total - swapped_RS)


def interval(values_R: Values) -> tuple[float, float]:
    """Between which values nineteen of twenty resamples lie; not numbers where resamples have no value."""
    rest = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values_R, [rest, 1 - rest]).tolist()
    return low, high


def p_value(difference: float, swapped_R: Values) -> float:
    """How often a difference as large comes about when it is chance which system a story is of; two-sided."""
    as_large = int((np.abs(swapped_R) >= abs(difference) * (1 - 1e-9)).sum())
    return (1 + as_large) / (1 + len(swapped_R))


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for there being many: one of them all is too small by chance as rarely as one was before."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [1.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _numbers(num_resamples: int) -> list[int]:
    return [min(_AT_ONCE, num_resamples - start) for start in range(0, num_resamples, _AT_ONCE)]
