"""Agreement of raters: do they give the same things the same marks.

Pearson's correlation of two raters is what the paper reports. It says whether they put things in the same order, not
whether they give the same marks, and knows only pairs. Krippendorff's alpha takes any number of raters and missing
marks: 1 is perfect agreement, 0 what chance gives, below 0 is disagreement.

Source: paper, section 5; Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Literal

import numpy as np

Marks = Mapping[str, float]
"""Marks of one rater, by what was rated."""
Level = Literal["nominal", "ordinal", "interval"]


def pearson(first: Marks, second: Marks) -> float | None:
    """Correlation of two raters over what both rated; None for fewer than two things or if one gave only one mark."""
    both = [item for item in first if item in second]
    ours, theirs = np.array([first[item] for item in both]), np.array([second[item] for item in both])
    if len(both) < 2 or not ours.std() or not theirs.std():
        return None
    return float(np.corrcoef(ours, theirs)[0, 1])


def mean_pearson(raters: Sequence[Marks]) -> float | None:
    """Mean correlation of all pairs of raters that have one; None if none has."""
    found = [value for pair in combinations(raters, 2) if (value := pearson(*pair)) is not None]
    return sum(found) / len(found) if found else None


def krippendorff_alpha(raters: Sequence[Marks], level: Level) -> float | None:
    """Alpha of marks by any number of raters; None where nothing was rated twice, or all marks are one.

    Args:
        raters: Marks of each.
        level: ``nominal`` marks are equal or not; ``ordinal`` ones have an order, ``interval`` ones equal steps.
    """
    marks: dict[str, list[float]] = {}
    for rater in raters:
        for item, mark in rater.items():
            marks.setdefault(item, []).append(mark)
    pairable = [values for values in marks.values() if len(values) >= 2]
    counts = Counter(value for values in pairable for value in values)
    if len(counts) < 2:
        return None
    distance = _distance(level, counts)
    observed = sum(_disagreement(Counter(values), distance) / (len(values) - 1) for values in pairable)
    expected = _disagreement(counts, distance) / (counts.total() - 1)
    return 1 - observed / expected


def _disagreement(counts: Counter[float], distance: Callable[[float, float], float]) -> float:
    """Distances of all ordered pairs of marks."""
    return 2 * sum(counts[one] * counts[other] * distance(one, other) for one, other in combinations(counts, 2))


def _distance(level: Level, counts: Counter[float]) -> Callable[[float, float], float]:
    if level == "nominal":
        return lambda one, other: 1.0
    if level == "interval":
        return lambda one, other: (one - other) ** 2

    def ordinal(one: float, other: float) -> float:
        """By how many marks lie between, those of the ends counted half."""
        low, high = min(one, other), max(one, other)
        between = sum(count for value, count in counts.items() if low <= value <= high)
        return (between - (counts[low] + counts[high]) / 2) ** 2

    return ordinal
