"""The per-item boundary: one bad video becomes a rejected row, never a failed run.

Every stage handles rows of :data:`narrator_ray.schema.PLANNED` plus its own columns. A row that was rejected earlier
passes through untouched.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pyarrow as pa

from narrator_ray.cost import NO_COST, StageCost
from narrator_ray.errors import MAX_DETAIL_CHARACTERS, ItemError, NarratorError, RejectReason, SchemaError
from narrator_ray.records import Rejection
from narrator_ray.runs.work import WorkItem
from narrator_ray.stages.stopwatch import Stopwatch

Row = dict[str, Any]
_T = TypeVar("_T")

_LOG = logging.getLogger(__name__)


def attempt(work: WorkItem, stage: str, step: Callable[[], _T]) -> _T | Rejection:
    """Run one step for one video; what goes wrong with that video comes back as a Rejection.

    Raises:
        NarratorError: Anything that is not the video's fault (the output cannot be written): it stops the run.
    """
    try:
        return step()
    except ItemError as error:
        return rejection_of(work, stage, error)
    except SchemaError as error:
        return rejection_of(work, stage, ItemError(RejectReason.DAMAGED_OBJECT, str(error)))
    except NarratorError:
        raise
    except Exception as error:  # noqa: BLE001 - the one place where a bug costs one video instead of the run
        _LOG.exception("video %s failed in %s", work.video.video_id, stage)
        return rejection_of(work, stage, ItemError(_reason_of(error), f"{type(error).__name__}: {error}"))


def rejection_of(work: WorkItem, stage: str, error: ItemError) -> Rejection:
    """The rejected row that an error makes of a video."""
    return Rejection(work.video.video_id, work.video.uri, stage, error.reason, error.detail[:MAX_DETAIL_CHARACTERS])


def _reason_of(error: Exception) -> RejectReason:
    """Memory that ran out, on the host or on a device (torch's error, known by name), may suffice another night."""
    is_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return RejectReason.OUT_OF_MEMORY if is_memory else RejectReason.UNEXPECTED


class StageRow:
    """One row on its way through the stages: what it asks for, what came of it, and what each stage took."""

    def __init__(self, row: Row) -> None:
        self.columns = row
        self.work = WorkItem.from_json(row["work"])
        self.rejection = None if row["rejection"] is None else Rejection.from_json(json.loads(row["rejection"]))
        self.costs = costs_of(row)

    def run(self, stage: str, step: Callable[[], _T]) -> _T | None:
        """Run a step inside the boundary, timed. None when it was rejected, now or before."""
        if self.rejection is not None:
            return None
        watch = Stopwatch(of_thread=True)
        result = attempt(self.work, stage, step)
        self.charge(stage, watch.cost())
        if isinstance(result, Rejection):
            self.rejection = result
            return None
        return result

    def finish(self, stage: str, result: _T | Rejection, cost: StageCost = NO_COST) -> None:
        """Record a result that was computed for several rows at once, and this row's share of what it took."""
        self.charge(stage, cost)
        if isinstance(result, Rejection):
            self.rejection = result

    def charge(self, stage: str, cost: StageCost) -> None:
        """Add to what a stage took for this row."""
        self.costs[stage] = self.costs.get(stage, NO_COST) + cost

    def output(self, **columns: object) -> Row:
        """The row to hand on: what is carried through all stages, and the given columns."""
        rejection = None if self.rejection is None else json.dumps(self.rejection.to_json(), ensure_ascii=False)
        trace = json.dumps([[stage, *cost.to_json()] for stage, cost in self.costs.items()])
        return {"work": self.columns["work"], "rejection": rejection, "trace": trace, **columns}


def costs_of(row: Row) -> dict[str, StageCost]:
    """What each stage that looked at a row took for it, in order."""
    return {stage: StageCost.from_json(values) for stage, *values in json.loads(row["trace"])}


def rows_of(batch: pa.Table) -> list[StageRow]:
    """The rows of a batch."""
    return [StageRow(row) for row in batch.to_pylist()]


def table_of(rows: Iterable[Row], schema: pa.Schema) -> pa.Table:
    """Rows as a table of exactly that schema; columns a row does not have become null."""
    return pa.Table.from_pylist(list(rows), schema=schema)


def planned_row(work: WorkItem) -> Row:
    """A row at the start of the graph."""
    return {"work": work.to_json(), "rejection": None, "trace": "[]"}
