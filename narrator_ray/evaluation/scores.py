"""What comes out of an evaluation: values with what they stand on, and reasons where there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from narrator_ray.errors import MetricError
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.table import Definition
from narrator_ray.records import JsonDict


@dataclass(frozen=True, slots=True)
class Score:
    """The value of one metric under one definition.

    Attributes:
        metric: Name in ``METRICS``.
        definition: Which one.
        value: As computed, before the metric's scale.
        items: What each clip (its key) or story (its video id) scored.
        num_left_out: Clips or stories that the definition does not score.
        variant: Length policy; empty where there is only one way.
        details: Anything a reader may want beside the value, as JSON.
    """

    metric: str
    definition: Definition
    value: float
    items: Mapping[str, float]
    num_left_out: int = 0
    variant: str = ""
    details: JsonDict = field(default_factory=dict)


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


Scorer = Callable[[Sequence[JudgedStory], Definition, Tools], list[Score]]
"""Scores stories under one definition. Raises MetricError or ConfigError where there is no value."""


def mean_of(what: str, items: Mapping[str, float]) -> float:
    """The mean of what was scored.

    Raises:
        MetricError: Nothing was.
    """
    if not items:
        raise MetricError(f"{what}: nothing to score")
    return sum(items.values()) / len(items)
