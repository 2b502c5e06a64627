"""Making features alone: what is left to do of a plan, each file and its cuts once, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.records import Rejection
from narrator_ray.runs.plan import RunPlan
from narrator_ray.runs.reasons import WorkReason
from narrator_ray.runs.tally import Tally
from narrator_ray.runs.work import PlannedVideo


def features_plan(plan: RunPlan) -> RunPlan:
    """A plan with features for results: their keys stand where those of narrations stood.

    Videos that still count as rejected, or are not found, stay so.
    """
    wanted = RunPlan(plan.last)
    for planned in plan.videos:
        wanted.add(planned if planned.rejection is not None else _wanted(planned))
    wanted.close()
    return wanted


def _wanted(planned: PlannedVideo) -> PlannedVideo:
    item = planned.item
    goal = replace(item, narration_key=item.features_key, has_narration=item.has_features)
    if item.has_features:
        return replace(planned, item=goal, reason=WorkReason.UNCHANGED)
    is_gone = planned.reason is WorkReason.UNCHANGED
    return replace(planned, item=goal, reason=WorkReason.RESULT_GONE if is_gone else planned.reason)


@dataclass(frozen=True, slots=True)
class ExtractionSummary:
    """What came of making features.

    Attributes:
        out: Where they lie.
        num_videos: Videos in the catalogue.
        num_reused: Videos whose features were there before.
        num_rejected: Videos without features.
        rejections: Why not, of those that were tried now; rows of the same file and cuts count once.
        stages: Table of stages; empty when nothing was left to do.
        max_rejected_fraction: The share above which the extraction counts as failed.
    """

    out: str
    num_videos: int
    num_reused: int
    num_rejected: int
    rejections: tuple[Rejection, ...]
    stages: tuple[StageSummary, ...]
    max_rejected_fraction: float

    @classmethod
    def of(cls, plan: RunPlan, tally: Tally, out: str, max_rejected_fraction: float) -> Self:
        """From what was planned, with features for results, and what came of it."""
        num_rejected = sum(
            planned.rejection is not None or planned.item.narration_key in tally.rejections for planned in plan.videos
        )
        tried = tuple(tally.rejections.values())
        return cls(out, len(plan), plan.num_reused, num_rejected, tried, tally.stages, max_rejected_fraction)

    @property
    def num_extracted(self) -> int:
        """Videos whose features were made now."""
        return self.num_videos - self.num_reused - self.num_rejected

    @property
    def has_too_many_rejected(self) -> bool:
        """Whether the rejected share is above the limit."""
        return self.num_rejected > self.max_rejected_fraction * self.num_videos
