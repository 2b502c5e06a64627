"""The board of a run as an actor of Ray, from the beginning of a graph to its orderly end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from narrator_ray.stages.beside_driver import beside_driver
from narrator_ray.stages.metrics import RayMetrics
from narrator_ray.stages.progress import ProgressSnapshot
from narrator_ray.stages.run_board import RunBoard

_POLL_S = 0.05
_GOODBYE_S = 10.0


@contextmanager
def run_board() -> Iterator[Any]:
    """A board on the driver's own machine.

    A process of Ray tells its metrics every few seconds, and what is left when it ends in order; a killed one does not.
    """
    options = beside_driver() | {"max_restarts": -1, "max_task_retries": -1}
    board: Any = ray.remote(**options)(RunBoard).remote(RayMetrics())
    try:
        yield board
    finally:
        once = {"max_task_retries": 0}  # or Ray tells of calls that its end cut off, and makes them again
        board.__ray_terminate__.options(**once).remote()
        ray.wait([board.snapshot.options(**once).remote()], timeout=_GOODBYE_S)  # fails when the process is gone


def settled_snapshot(board: Any, num_finished: int) -> ProgressSnapshot:
    """What the board says when it has heard of so many finished videos: news may be slower than the rows themselves."""
    deadline = time.monotonic() + _GOODBYE_S
    while True:
        snapshot: ProgressSnapshot = ray.get(board.snapshot.remote(), timeout=_GOODBYE_S)
        if snapshot.num_finished >= num_finished or time.monotonic() > deadline:
            return snapshot
        time.sleep(_POLL_S)
