"""What a comparison shows, as plain values. Knows nothing of HTML and of where the values come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SIGNIFICANT_BELOW: Final = 0.05


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """The value of one system, in the metric's unit.

    Attributes:
        value: Over all stories.
        low: Lower end of its interval.
        high: Upper end.
        difference: From the first system; None for the first itself.
        difference_low: Lower end of the difference's interval.
        difference_high: Upper end.
        p_value: Of the difference, adjusted for the number of comparisons.
        chance: What narrations of other videos score; None where nobody knows.
    """

    value: float
    low: float
    high: float
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None
    chance: float | None = None

    @property
    def is_significant(self) -> bool:
        """Whether it differs from the first system's by more than chance."""
        return self.p_value is not None and self.p_value < SIGNIFICANT_BELOW


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the clips.

    Attributes:
        name: A script label, or the number of a clip in its story.
        num_clips: How many there are.
        values: Of each system, in the metric's unit; None where it has none.
    """

    name: str
    num_clips: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ComparedMetric:
    """One metric under one definition.

    Attributes:
        name: As on the command line, with its variant.
        title: For people.
        definition: ``released`` or ``standard``.
        unit: Of all values.
        is_higher_better: Which way is better.
        values: One a system; None where it has none.
        reason: Why a system has none.
        paper: The paper's values that mean the same, by row.
        labels: By script label; empty for metrics of whole stories.
        positions: By number of the clip.
    """

    name: str
    title: str
    definition: str
    unit: str
    is_higher_better: bool
    values: tuple[ComparedValue | None, ...]
    reason: str = ""
    paper: tuple[tuple[str, float], ...] = ()
    labels: tuple[Group, ...] = ()
    positions: tuple[Group, ...] = ()

    def is_better(self, value: ComparedValue) -> bool:
        """Whether it is better than the first system's."""
        return value.difference is not None and (value.difference > 0) == self.is_higher_better


@dataclass(frozen=True, slots=True)
class Example:
    """One clip as every system narrates it.

    Attributes:
        video_id: Of the catalogue.
        clip_number: 1-based place in the video.
        product: Its name.
        labels: Script labels, for people.
        reference: What the annotators wrote; None without references.
        texts: What each system wrote; None where it wrote nothing.
        scores: Of each system, in the metric's unit.
    """

    video_id: str
    clip_number: int
    product: str
    labels: str
    reference: str | None
    texts: tuple[str | None, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several systems on the same stories.

    Attributes:
        systems: Their names; the first is what the others are compared with.
        num_stories: Stories that all of them tell.
        num_clips: Clips of these.
        num_left_out: Stories that some system does not tell.
        metrics: In the order of the table of metrics.
        examples_by: Name of the metric that examples are chosen by; empty if there is none.
        examples: Lists of examples with their titles.
        num_resamples: Of the intervals and tests.
        confidence: Of the intervals.
    """

    systems: tuple[str, ...]
    num_stories: int
    num_clips: int
    num_left_out: int
    metrics: tuple[ComparedMetric, ...]
    examples_by: str
    examples: tuple[tuple[str, tuple[Example, ...]], ...]
    num_resamples: int
    confidence: float
