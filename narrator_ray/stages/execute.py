"""Runs a list of stages as one Ray Data graph, and tells how it goes.

Imported only when there is something to run: importing Ray takes seconds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import islice
from typing import Any

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, Dataset, TaskPoolStrategy
from ray.exceptions import RayError

from narrator_ray.errors import NarratorError
from narrator_ray.records import Rejection
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.work import WorkItem
from narrator_ray.schema import PLANNED
from narrator_ray.stages.board_actor import run_board, settled_snapshot
from narrator_ray.stages.guarded_stage import guarded_class
from narrator_ray.stages.item import costs_of, planned_row
from narrator_ray.stages.progress import ProgressSnapshot
from narrator_ray.stages.session import ray_session
from narrator_ray.stages.stage import Machine, Stage, first_replicas

_POLL_S = 0.5
_LAST_WORD_S = 5.0
"""How long a board that does not answer may hold up the end of a run."""


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
        on_progress: Called about twice a second, from a thread of its own.

    Raises:
        NarratorError: Something that is not one video's fault stopped the run.
    """
    with ray_session(), run_board() as board:
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        machine = Machine(resources.get("CPU", 1.0), resources.get("GPU", 0.0))
        data, num_videos = _planned_dataset(items, videos_per_block)
        stages = graph(machine, board)
        replicas = first_replicas(stages, num_videos, machine)
        for stage in stages:
            data = _attach(stage, data, replicas, board)
        with _told(board, on_progress):
            try:
                num_rows = _consume(data, on_outcome)
            except Exception as error:
                ours = _reported(board) or find_ours(error)
                if ours is None:
                    raise
                raise ours from error
        with suppress(RayError):
            on_progress(settled_snapshot(board, num_rows))


def _attach(stage: Stage, data: Dataset, replicas: Mapping[str, int], board: Any) -> Dataset:
    options: dict[str, Any] = {"batch_size": stage.batch_videos, "batch_format": "pyarrow"}
    options |= {"num_cpus": stage.num_cpus, "num_gpus": stage.num_gpus or None}
    guarded, arguments = guarded_class(stage), {"stage": stage, "board": board}
    if stage.num_actors is None:
        return data.map_batches(guarded(**arguments), compute=TaskPoolStrategy(), **options)
    pool = ActorPoolStrategy(
        min_size=replicas[stage.name],
        max_size=stage.num_actors,
        max_concurrent_calls_per_actor=stage.calls_per_actor,
        enable_true_multi_threading=stage.calls_per_actor > 1,
    )
    return data.map_batches(guarded, fn_constructor_kwargs=arguments, compute=pool, **options)


@contextmanager
def _told(board: Any, on_progress: Callable[[ProgressSnapshot], None]) -> Iterator[None]:
    """Hands on what the board says while the block runs.

    From a thread, so that the main one is where signals find it: in the graph, which then ends at once.
    """
    is_over = threading.Event()

    def tell() -> None:
        with suppress(RayError):
            on_progress(ray.get(board.snapshot.remote(), timeout=_LAST_WORD_S))

    def keep_telling() -> None:
        while not is_over.wait(_POLL_S):
            tell()

    teller = threading.Thread(target=keep_telling, daemon=True)
    teller.start()
    try:
        yield
    finally:
        is_over.set()
        teller.join(_LAST_WORD_S)


def find_ours(error: BaseException | None) -> NarratorError | None:
    """The error of this project inside what Ray wrapped around it, which may look like an error of this project."""
    while error is not None:
        if isinstance(error, NarratorError) and not isinstance(error, RayError):
            return error
        error = getattr(error, "cause", None) or error.__cause__
    return None


def _reported(board: Any) -> NarratorError | None:
    """The error that a replica left on the board."""
    with suppress(RayError):
        error: NarratorError | None = ray.get(board.error.remote(), timeout=_LAST_WORD_S)
        return error
    return None


def _planned_dataset(items: Iterable[WorkItem], videos_per_block: int) -> tuple[Dataset, int]:
    """Rows and their number. Blocks go to the object store one after another; it moves to disk what does not fit."""
    remaining, blocks, num_rows = iter(items), list[Any](), 0
    while block := [planned_row(item) for item in islice(remaining, videos_per_block)]:
        blocks.append(ray.put(pa.Table.from_pylist(block, schema=PLANNED)))
        num_rows += len(block)
    return ray.data.from_arrow_refs(blocks), num_rows


def _consume(data: Dataset, on_outcome: Callable[[Outcome], None]) -> int:
    """Pass on what came of every row, and say how many there were."""
    num_rows = 0
    tables: Any = iter(data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))
    with closing(tables):  # closed, it ends the graph even if not all of it was consumed
        for table in tables:
            for row in table.to_pylist():
                on_outcome(_outcome(row))
            num_rows += table.num_rows
    return num_rows


def _outcome(row: dict[str, Any]) -> Outcome:
    work = WorkItem.from_json(row["work"])
    rejection = None if row["rejection"] is None else Rejection.from_json(json.loads(row["rejection"]))
    return Outcome(work.narration_key, rejection, costs_of(row), work.video.video_id)
