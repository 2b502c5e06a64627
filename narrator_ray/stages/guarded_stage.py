"""A stage as Ray runs it: what it does to a batch, and what becomes of a batch whose process died before.

The stage itself knows nothing of this. While no process dies, a short call a batch is all it costs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import ray

from narrator_ray.cost import NO_COST
from narrator_ray.errors import ItemError, ModelLoadError, NarratorError, RejectReason
from narrator_ray.schema import PLANNED
from narrator_ray.stages.attempts import MOST_DEATHS, Process, Suspicion
from narrator_ray.stages.item import StageRow, rejection_of, rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter
from narrator_ray.stages.room import Room
from narrator_ray.stages.stage import Stage

_LOG = logging.getLogger(__name__)


class GuardedStage:
    """The callable of a stage, with a note on the board of what is begun and what is finished with.

    Args:
        stage: The stage.
        board: Handle of the run's board.

    Raises:
        ModelLoadError: Earlier processes of this replica died while it was made.
    """

    def __init__(self, stage: Stage, board: Any) -> None:
        self._stage = stage
        self._board = board
        self._room = Room()
        self._step = stage.first_step or stage.name
        self._progress = ProgressReporter(board, self._step)
        self._run = stage.callable_class(**stage.arguments) if stage.num_actors is None else self._make_replica()

    def __call__(self, batch: pa.Table) -> Iterator[pa.Table]:
        """A batch of the stage's input to tables of its output, as many rows altogether."""
        rows = rows_of(batch.select(PLANNED.names))
        keys = [row.work.narration_key for row in rows if row.rejection is None]
        with self._room.shared():
            held = self._attempt(keys)
            output = None if held else self._run_noted(batch, keys)
        if output is not None:
            yield output
        else:
            yield from self._run_after_deaths(batch, rows, held)

    def _make_replica(self) -> Any:
        """The callable of an actor, whose process may die when it loads a model as over any video."""
        replica = [f"replica {ray.get_runtime_context().get_actor_id()}"]
        try:
            if held := self._attempt(replica):
                self._check_loads(*held.values())
                self._attempt_anyway(replica)
            return self._stage.callable_class(**self._stage.arguments)
        except NarratorError as error:
            self._report(error)
            raise
        finally:
            self._settle(replica)

    def _run_after_deaths(
        self, batch: pa.Table, rows: Sequence[StageRow], held: Mapping[str, Suspicion]
    ) -> Iterator[pa.Table]:
        """Videos whose result is there are passed on, culprits given up, suspects begun in small parts."""
        _LOG.warning("%s: %d videos were begun before, by a process that died", self._stage.name, len(held))
        trusted, suspects = list[int](), list[int]()
        for index, row in enumerate(rows):
            suspicion = held.get(row.work.narration_key)
            if row.rejection is None and self._stage.is_done(row.work):
                yield self._passed_on(row)
            elif suspicion is not None and suspicion.is_proven:
                yield self._given_up(row, suspicion)
            else:
                (trusted if suspicion is None else suspects).append(index)
        size = min(suspicion.part_videos for suspicion in held.values())
        parts = [trusted, *(suspects[start : start + size] for start in range(0, len(suspects), size))]
        for part in filter(None, parts):
            keys = [rows[index].work.narration_key for index in part if rows[index].rejection is None]
            with self._room.alone():
                self._attempt_anyway(keys)
                output = self._run_noted(batch.take(part), keys)
            yield output

    def _run_noted(self, batch: pa.Table, keys: Sequence[str]) -> pa.Table:
        try:
            return self._run(batch)
        except NarratorError as error:
            self._report(error)
            raise
        finally:
            self._settle(keys)

    def _passed_on(self, row: StageRow) -> pa.Table:
        """The row as the stage would hand it on; a dead process has stored what it made of it."""
        self._settle([row.work.narration_key])
        row.charge(self._step, NO_COST)
        return table_of([row.output()], PLANNED)

    def _given_up(self, row: StageRow, suspicion: Suspicion) -> pa.Table:
        self._settle([row.work.narration_key])
        detail = (
            f"the process that worked on it died, {suspicion.deaths:g} times with this video and the last time with no "
            "other: native code crashed or memory ran out; Ray's logs say more"
        )
        error = ItemError(RejectReason.WORKER_DIED, detail)
        row.finish(self._step, rejection_of(row.work, self._step, error))
        self._progress.finish(row)
        rejected: pa.Table = self._run(table_of([row.output()], PLANNED))
        return rejected

    def _check_loads(self, held: Suspicion) -> None:
        if held.deaths >= MOST_DEATHS:
            raise ModelLoadError(
                f"{self._stage.name}: its process died {held.deaths:g} times while the model was loaded: memory ran "
                "out or native code crashed; Ray's logs say more"
            )

    def _attempt(self, keys: Sequence[str]) -> dict[str, Suspicion]:
        held: dict[str, Suspicion] = ray.get(self._board.attempt.remote(self._stage.name, keys, _this_process()))
        return held

    def _attempt_anyway(self, keys: Sequence[str]) -> None:
        ray.get(self._board.attempt_anyway.remote(self._stage.name, keys, _this_process()))

    def _report(self, error: NarratorError) -> None:
        """Ray hands on the text of an error, or adds to it."""
        ray.get(self._board.report.remote(error))

    def _settle(self, keys: Sequence[str]) -> None:
        self._board.settle.remote(self._stage.name, keys)


def guarded_class(stage: Stage) -> type[GuardedStage]:
    """The class under the name of the stage's own, which Ray shows in titles of processes, metrics and logs."""
    return type(stage.callable_class.__name__, (GuardedStage,), {})


def _this_process() -> Process:
    context = ray.get_runtime_context()
    return Process(context.get_worker_id(), context.get_node_id())
