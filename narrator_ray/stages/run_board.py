"""What the processes of a run tell each other: how far it is, and what they have begun. One small actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ray

from narrator_ray.errors import NarratorError
from narrator_ray.stages.attempts import AttemptBook, Suspicion
from narrator_ray.stages.progress import ProgressBoard, ProgressSnapshot


class RunBoard(ProgressBoard):
    """A progress board that also keeps the book of attempts."""

    def __init__(self) -> None:
        super().__init__()
        self._attempts = AttemptBook(_live_nodes)
        self._error: NarratorError | None = None

    def begin(self, stage: str, keys: Sequence[str], node_id: str) -> dict[str, Suspicion]:
        """See :meth:`AttemptBook.begin`."""
        return self._attempts.begin(stage, keys, node_id)

    def begin_anyway(self, stage: str, keys: Sequence[str], node_id: str) -> None:
        """See :meth:`AttemptBook.begin_anyway`."""
        self._attempts.begin_anyway(stage, keys, node_id)

    def end(self, stage: str, keys: Sequence[str]) -> None:
        """See :meth:`AttemptBook.end`."""
        self._attempts.end(stage, keys)

    def report(self, error: NarratorError) -> None:
        """Say what kept a replica from being made."""
        self._error = error

    def error(self) -> NarratorError | None:
        """What was reported last."""
        return self._error

    def snapshot(self) -> ProgressSnapshot:
        """The counts so far."""
        return replace(super().snapshot(), begun_again=self._attempts.num_begun_again)


def _live_nodes() -> set[str]:
    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}  # type: ignore[no-untyped-call]
