"""Runs a list of stages as one Ray Data graph, and tells how it goes.

Imported only when there is something to run: importing Ray takes seconds.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext, Dataset, TaskPoolStrategy

from narrator_ray.errors import NarratorError
from narrator_ray.records import Rejection
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.work import WorkItem
from narrator_ray.schema import PLANNED
from narrator_ray.stages.item import planned_row
from narrator_ray.stages.progress import ProgressBoard, ProgressSnapshot
from narrator_ray.stages.stage import Machine, Stage

_POLL_S = 0.5
_LOG = logging.getLogger(__name__)


def execute_graph(
    graph: Callable[[Machine, Any], list[Stage]],
    items: Iterable[WorkItem],
    videos_per_block: int,
    on_outcome: Callable[[Outcome], None],
    on_progress: Callable[[ProgressSnapshot], None],
) -> None:
    """Run the stages over the items. No more than a block of items is held here at a time.

    Args:
        graph: Makes the stages for a machine and a progress board.
        items: What is to be done.
        videos_per_block: Rows of a block: the unit of parallelism and of loss.
        on_outcome: Called once per item, in no particular order.
        on_progress: Called about twice a second.

    Raises:
        NarratorError: Something that is not one video's fault stopped the run.
    """
    with _ray_session(), ThreadPoolExecutor(1) as thread:
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        machine = Machine(resources.get("CPU", 1.0), resources.get("GPU", 0.0))
        board: Any = ray.remote(num_cpus=0)(ProgressBoard).remote()
        data = _planned_dataset(items, videos_per_block)
        for stage in graph(machine, board):
            data = _attach(stage, data)
        running = thread.submit(_consume, data, on_outcome)
        while not running.done():
            on_progress(ray.get(board.snapshot.remote()))
            wait([running], timeout=_POLL_S)
        on_progress(ray.get(board.snapshot.remote()))
        _raise_ours(running)


def _attach(stage: Stage, data: Dataset) -> Dataset:
    options: dict[str, Any] = {"batch_size": stage.batch_videos, "batch_format": "pyarrow"}
    options |= {"num_cpus": stage.num_cpus, "num_gpus": stage.num_gpus or None}
    if stage.num_actors is None:
        return data.map_batches(stage.callable_class(**stage.arguments), compute=TaskPoolStrategy(), **options)
    pool = ActorPoolStrategy(min_size=1, max_size=stage.num_actors)
    return data.map_batches(stage.callable_class, fn_constructor_kwargs=stage.arguments, compute=pool, **options)


def _raise_ours(running: Future[None]) -> None:
    error = running.exception()
    if error is not None:
        ours = _find_ours(error)
        raise ours if ours is not None else error


def _find_ours(error: BaseException | None) -> NarratorError | None:
    """The error of this project inside what Ray wrapped around it."""
    while error is not None:
        if isinstance(error, NarratorError):
            return error
        error = getattr(error, "cause", None) or error.__cause__
    return None


def _planned_dataset(items: Iterable[WorkItem], videos_per_block: int) -> Dataset:
    """Blocks go to the object store one after another; it moves them to disk where they do not fit."""
    remaining, blocks = iter(items), list[Any]()
    while block := [planned_row(item) for item in islice(remaining, videos_per_block)]:
        blocks.append(ray.put(pa.Table.from_pylist(block, schema=PLANNED)))
    return ray.data.from_arrow_refs(blocks)


def _consume(data: Dataset, on_outcome: Callable[[Outcome], None]) -> None:
    for batch in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        table: pa.Table = batch
        for row in table.to_pylist():
            on_outcome(_outcome(row))


def _outcome(row: dict[str, Any]) -> Outcome:
    work = WorkItem.from_json(row["work"])
    rejection = None if row["rejection"] is None else Rejection.from_json(json.loads(row["rejection"]))
    return Outcome(
        work.narration_key, rejection, tuple((stage, spent_s) for stage, spent_s in json.loads(row["trace"]))
    )


@contextmanager
def _ray_session() -> Iterator[None]:
    """A connection to the cluster the environment names, or a local one that ends with the run."""
    was_connected = ray.is_initialized()
    if not was_connected:
        is_verbose = _LOG.isEnabledFor(logging.DEBUG)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(logging_level=logging.ERROR, log_to_driver=is_verbose, include_dashboard=False)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True  # what Ray puts around it does not bring its cause from the worker
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield
    finally:
        if not was_connected:
            ray.shutdown()
