"""What the processes of a run tell each other: how far it is, and what they have begun. One small actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ray

from narrator_ray.errors import NarratorError
from narrator_ray.stages.attempts import AttemptBook, Process, Suspicion
from narrator_ray.stages.progress import MetricSink, ProgressBoard, ProgressSnapshot


class RunBoard(ProgressBoard):
    """A progress board that also keeps the book of attempts.

    Args:
        sink: Where metrics go.
    """

    def __init__(self, sink: MetricSink) -> None:
        super().__init__(sink)
        self._attempts = AttemptBook(_live_nodes)
        self._error: NarratorError | None = None

    def attempt(self, stage: str, keys: Sequence[str], process: Process) -> dict[str, Suspicion]:
        """See :meth:`AttemptBook.attempt`."""
        return self._attempts.attempt(stage, keys, process)

    def attempt_anyway(self, stage: str, keys: Sequence[str], process: Process) -> None:
        """See :meth:`AttemptBook.attempt_anyway`."""
        self._attempts.attempt_anyway(stage, keys, process)

    def settle(self, stage: str, keys: Sequence[str]) -> None:
        """See :meth:`AttemptBook.settle`."""
        self._attempts.settle(stage, keys)

    def report(self, error: NarratorError) -> None:
        """Say what stops the run."""
        self._error = error

    def error(self) -> NarratorError | None:
        """What was reported last."""
        return self._error

    def snapshot(self) -> ProgressSnapshot:
        """The counts so far."""
        return replace(super().snapshot(), begun_again=self._attempts.num_begun_again)


def _live_nodes() -> set[str]:
    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}  # type: ignore[no-untyped-call]
