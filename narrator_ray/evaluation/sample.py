"""A look at a run before readers see it: narrations of some videos beside their references.

The videos are those whose ids have the smallest hashes, so they are the same ones every night, and few of them change
when a catalogue grows.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from narrator_ray.catalog.short_hash import short_hash
from narrator_ray.config import Config, Section
from narrator_ray.evaluation import summary
from narrator_ray.evaluation.narrated_clips import clips_of
from narrator_ray.evaluation.run import checked_metrics, evaluate
from narrator_ray.evaluation.scores import NoScore, Score
from narrator_ray.evaluation.stories import join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.table import METRICS
from narrator_ray.records import JsonDict, Video


class SampleSettings(Section):
    """How a run is judged before it is published."""

    videos: Annotated[int, Field(ge=0)] = 200
    """Most videos with reference narrations that are scored; 0 judges nothing."""
    metrics: tuple[str, ...] = ("cider_d", "word_length", "repetition")
    """Names of text metrics, as of `narrator-ray evaluate --metrics`."""
    least: dict[str, float] = {}
    """Lowest scores, by metric, with which a run is published: standard definition, units of `evaluate`."""
    most: dict[str, float] = {}
    """Highest scores likewise, for metrics of which less is better, such as repetition."""

    @model_validator(mode="after")
    def _limits_are_computed(self) -> Self:
        checked_metrics(self.metrics)
        for name in (*self.least, *self.most):
            if name not in self.metrics:
                raise ValueError(f"{name} has a limit but is not in metrics: {', '.join(self.metrics)}")
        return self


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sample says of a run.

    Attributes:
        num_videos: How many were scored.
        outcomes: The scores.
        shortfalls: Every limit that is not kept, for people; empty lets the run be published.
    """

    num_videos: int
    outcomes: tuple[Score | NoScore, ...]
    shortfalls: tuple[str, ...]

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {"videos": self.num_videos, **summary.to_json(self.outcomes), "shortfalls": list(self.shortfalls)}


def judge_sample(videos: Iterable[Video], narrations: pa.Table, settings: SampleSettings, config: Config) -> Verdict:
    """Score a sample of a run.

    A limit that cannot be checked is not kept: no references, or no value.

    Args:
        videos: The catalogue.
        narrations: Table of the run, schema NARRATIONS.
        settings: What to score.
        config: Rates and paces, and what else a metric works with.
    """
    sample = sample_of(videos, settings.videos)
    wanted = pa.array([video.video_id for video in sample], pa.string())
    clips = clips_of(narrations.filter(pc.is_in(narrations["video_id"], wanted)))
    if not clips:
        return Verdict(0, (), shortfalls((), settings))
    stories = join(clips, sample).stories
    outcomes = tuple(evaluate(stories, checked_metrics(settings.metrics), Tools(config=config)))
    return Verdict(len(stories), outcomes, shortfalls(outcomes, settings))


def sample_of(videos: Iterable[Video], most: int) -> list[Video]:
    """Videos with reference narrations, the same ones every time."""
    with_references = (video for video in videos if video.narrations and any(video.narrations))
    return heapq.nsmallest(most, with_references, key=lambda video: short_hash(video.video_id))


def shortfalls(outcomes: Sequence[Score | NoScore], settings: SampleSettings) -> tuple[str, ...]:
    """Limits that scores do not keep."""
    values = _values(outcomes)
    found = []
    for limits, word, sign in ((settings.least, "least", 1), (settings.most, "most", -1)):
        for name, limit in limits.items():
            value = values.get(name, math.nan)
            if math.isnan(value):
                found.append(f"{name}: no value, at {word} {limit:g} is asked for")
            elif sign * value < sign * limit:
                found.append(f"{name}: {value:.2f}, at {word} {limit:g} is asked for")
    return tuple(found)


def _values(outcomes: Sequence[Score | NoScore]) -> Mapping[str, float]:
    """Standard scores in their units; of several length policies the first."""
    values: dict[str, float] = {}
    for outcome in outcomes:
        if isinstance(outcome, Score) and outcome.definition == "standard":
            values.setdefault(outcome.metric, outcome.value * METRICS[outcome.metric].scale)
    return values
