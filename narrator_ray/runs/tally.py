"""What came of the rows of a graph, added up as they arrive: memory grows with rejections only."""

from __future__ import annotations

from collections.abc import Sequence

from narrator_ray.cost import NO_COST
from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.records import Rejection
from narrator_ray.runs.cost_figures import NO_CLUSTER
from narrator_ray.runs.summary import Outcome


class Tally:
    """The table of stages, and the rejections.

    Args:
        stages: Names of all stages, in pipeline order.

    Attributes:
        rejections: By narration key.
        cluster: What the cluster has, as soon as it is known.
    """

    def __init__(self, stages: Sequence[str]) -> None:
        self.rejections: dict[str, Rejection] = {}
        self._seen = dict.fromkeys(stages, 0)
        self._rejected = dict.fromkeys(stages, 0)
        self._costs = dict.fromkeys(stages, NO_COST)
        self.cluster = NO_CLUSTER

    def add(self, outcome: Outcome) -> None:
        """Take what came of one row."""
        for stage, cost in outcome.costs.items():
            self._seen[stage] += 1
            self._costs[stage] += cost
        if outcome.rejection is not None:
            self._rejected[outcome.rejection.stage] += 1
            self.rejections[outcome.narration_key] = outcome.rejection

    @property
    def stages(self) -> tuple[StageSummary, ...]:
        """One line per stage that saw a row, in pipeline order."""
        return tuple(self._summary(stage, seen) for stage, seen in self._seen.items() if seen)

    def _summary(self, stage: str, seen: int) -> StageSummary:
        rejected, cost = self._rejected[stage], self._costs[stage]
        gpu_s = self.cluster.gpus_by_stage.get(stage, 0.0) * cost.busy_s
        return StageSummary(stage, seen, seen - rejected, rejected, cost, gpu_s)
