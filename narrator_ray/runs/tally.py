"""What came of the rows of a graph, added up as they arrive: memory grows with rejections only."""

from __future__ import annotations

from collections.abc import Sequence

from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.records import Rejection
from narrator_ray.runs.summary import Outcome


class Tally:
    """The table of stages, and the rejections.

    Args:
        stages: Names of all stages, in pipeline order.

    Attributes:
        rejections: By narration key.
    """

    def __init__(self, stages: Sequence[str]) -> None:
        self.rejections: dict[str, Rejection] = {}
        self._seen = dict.fromkeys(stages, 0)
        self._rejected = dict.fromkeys(stages, 0)
        self._seconds = dict.fromkeys(stages, 0.0)

    def add(self, outcome: Outcome) -> None:
        """Take what came of one row."""
        for stage in {stage for stage, _ in outcome.trace}:
            self._seen[stage] += 1
        for stage, spent_s in outcome.trace:
            self._seconds[stage] += spent_s
        if outcome.rejection is not None:
            self._rejected[outcome.rejection.stage] += 1
            self.rejections[outcome.narration_key] = outcome.rejection

    @property
    def stages(self) -> tuple[StageSummary, ...]:
        """One line per stage that saw a row, in pipeline order."""
        return tuple(
            StageSummary(stage, seen, seen - self._rejected[stage], self._rejected[stage], self._seconds[stage])
            for stage, seen in self._seen.items()
            if seen
        )
