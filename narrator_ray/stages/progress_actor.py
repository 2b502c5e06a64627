"""The progress board as an actor of Ray, from the beginning of a graph to its orderly end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from narrator_ray.stages.metrics import RayMetrics
from narrator_ray.stages.progress import ProgressBoard, ProgressSnapshot

_POLL_S = 0.05
_GOODBYE_S = 10.0


@contextmanager
def progress_board() -> Iterator[Any]:
    """A board on the driver's own machine, which no loss of another takes away.

    A process of Ray tells its metrics every few seconds, and what is left when it ends in order; a killed one does not.
    """
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    actor: Any = ray.remote(num_cpus=0)(ProgressBoard)
    board = actor.options(scheduling_strategy=here).remote(RayMetrics())
    try:
        yield board
    finally:
        board.__ray_terminate__.remote()
        ray.wait([board.snapshot.remote()], timeout=_GOODBYE_S)  # fails when the process is gone


def settled_snapshot(board: Any, num_finished: int) -> ProgressSnapshot:
    """What the board says when it has heard of so many finished videos: news may be slower than the rows themselves."""
    deadline = time.monotonic() + _GOODBYE_S
    while True:
        snapshot: ProgressSnapshot = ray.get(board.snapshot.remote())
        if snapshot.num_finished >= num_finished or time.monotonic() > deadline:
            return snapshot
        time.sleep(_POLL_S)
