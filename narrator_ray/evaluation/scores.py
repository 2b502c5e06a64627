"""What comes out of an evaluation: values with what they stand on, and reasons where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from narrator_ray.metrics.table import Definition
from narrator_ray.records import JsonDict

Statistics = Mapping[str, Sequence[float]]
"""Numbers of every item that add up to those of many items. Their order is the items' in the file."""
Sums = npt.NDArray[np.float64]
ValueOf = Callable[[Sums], npt.NDArray[np.float64]]
"""Sums [R, S] of statistics to the R values that follow from them."""


def mean_value(sums_RS: Sums) -> npt.NDArray[np.float64]:
    """The mean of what was scored: sums of values over the number of items; not a number where there are none."""
    with np.errstate(invalid="ignore"):
        means: npt.NDArray[np.float64] = sums_RS[:, 0] / sums_RS[:, 1]
    return means


@dataclass(frozen=True, slots=True)
class Marks:
    """What the items of some stories are given under one metric, definition and variant.

    Attributes:
        metric: Name in ``METRICS``.
        definition: Which one.
        items: What each clip (its key) or story (its video id) scored.
        num_left_out: Clips or stories that the definition does not score.
        variant: Length policy, or precision or recall; empty where there is only one way.
        statistics: Of every item, where a value is not the mean of the items'.
        chances: What each item scores by chance, as (sum, number), where that is known.
        details: Anything a reader may want beside the value, as JSON; objects in it are put together,
            of other values the first part's count.
    """

    metric: str
    definition: Definition
    items: Mapping[str, float]
    num_left_out: int = 0
    variant: str = ""
    statistics: Statistics = field(default_factory=dict)
    chances: Statistics = field(default_factory=dict)
    details: JsonDict = field(default_factory=dict)

    @classmethod
    def together(cls, parts: Sequence[Marks]) -> Marks:
        """The marks of parts of the stories, one part or more, as marks of all."""
        first = parts[0]
        return cls(
            first.metric,
            first.definition,
            {key: value for part in parts for key, value in part.items.items()},
            sum(part.num_left_out for part in parts),
            first.variant,
            {key: values for part in parts for key, values in part.statistics.items()},
            {key: values for part in parts for key, values in part.chances.items()},
            _merged([part.details for part in parts]),
        )

    @property
    def sums_of_items(self) -> Statistics:
        """Numbers that add up, of every item: its statistics, or its score and 1."""
        return self.statistics or {item: (value, 1.0) for item, value in self.items.items()}

    def sums(self) -> Sums:
        """[1, S], over all items, of which there must be one; exact, so that their order does not matter."""
        return _sums(self.sums_of_items)

    @property
    def chance(self) -> float | None:
        """What the items score by chance, where that is known."""
        if not self.chances:
            return None
        value = float(mean_value(_sums(self.chances))[0])
        return None if math.isnan(value) else value


@dataclass(frozen=True, slots=True)
class Score:
    """The value of one metric under one definition.

    Attributes:
        metric: Name in ``METRICS``.
        definition: Which one.
        value: As computed, before the metric's scale.
        items: What each clip (its key) or story (its video id) scored.
        num_left_out: Clips or stories that the definition does not score.
        variant: Length policy, or precision or recall; empty where there is only one way.
        details: Anything a reader may want beside the value, as JSON.
        statistics: Of every item, where the value is not the mean of the items'.
        value_of: How values follow from sums of statistics.
        chance: The value that narrations of other videos have; None where nobody knows.
    """

    metric: str
    definition: Definition
    value: float
    items: Mapping[str, float]
    num_left_out: int = 0
    variant: str = ""
    details: JsonDict = field(default_factory=dict)
    statistics: Statistics = field(default_factory=dict)
    value_of: ValueOf = mean_value
    chance: float | None = None

    @property
    def sums_of_items(self) -> Statistics:
        """Numbers that add up, of every item: its statistics, or its score and 1."""
        return self.statistics or {item: (value, 1.0) for item, value in self.items.items()}

    @property
    def name(self) -> tuple[str, Definition, str]:
        """What tells it from other scores."""
        return self.metric, self.definition, self.variant


@dataclass(frozen=True, slots=True)
class NoScore:
    """Why a metric has no value under a definition.

    Attributes:
        metric: Name in ``METRICS``.
        definition: Which one.
        reason: What is missing, or where the released code fails.
    """

    metric: str
    definition: Definition
    reason: str


def _merged(details: Sequence[JsonDict]) -> JsonDict:
    merged: JsonDict = {}
    for name, value in (item for part in details for item in part.items()):
        merged[name] = {**merged.get(name, {}), **value} if isinstance(value, dict) else merged.get(name, value)
    return merged


def _sums(statistics: Statistics) -> Sums:
    return np.array([[_exact_sum(column) for column in zip(*statistics.values(), strict=True)]], np.float64)


def _exact_sum(column: Sequence[float]) -> float:
    return math.nan if any(map(math.isnan, column)) else math.fsum(column)
