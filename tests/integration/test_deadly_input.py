"""What kills the process that works on it, or that is to, does not hold up a run (see test_chaos for actors)."""

import os
import signal

import pytest

from narrator_ray.errors import ModelLoadError, RejectReason
from narrator_ray.runs.summary import Outcome
from narrator_ray.schema import PLANNED
from narrator_ray.stages.execute import execute_graph
from narrator_ray.stages.item import rows_of, table_of
from narrator_ray.stages.progress import ProgressSnapshot
from narrator_ray.stages.stage import Stage
from tests.stages.fakes import work_item

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("local_ray")]

STEP = "narrate_clips"
NAMES = [*(f"v{number}" for number in range(11)), "deadly"]
ITEMS = [work_item(name) for name in NAMES]


def die() -> None:
    """As a process dies that the system kills for memory."""
    os.kill(os.getpid(), signal.SIGKILL)


class Fragile:
    """Counts videos; does not survive one of them."""

    def __call__(self, batch):
        rows = rows_of(batch)
        for row in rows:
            row.run(STEP, lambda row=row: die() if row.work.video.video_id == "deadly" else None)
        return table_of((row.output() for row in rows), PLANNED)


class Unmade:
    """Does not survive being made."""

    def __init__(self) -> None:
        die()


def run(stage: Stage) -> tuple[list[Outcome], ProgressSnapshot]:
    """What came of every video, and the last word of the board."""
    outcomes, snapshots = [], []
    execute_graph(lambda machine, board: [stage], ITEMS, 6, outcomes.append, snapshots.append)
    return outcomes, snapshots[-1]


def test_a_deadly_video_is_rejected_and_the_others_are_not():
    """Begun with others it makes them all suspects; alone for the second time it is given up."""
    outcomes, snapshot = run(Stage("fragile", Fragile, {}, 6, num_cpus=0.5, first_step=STEP))
    assert sorted(outcome.narration_key for outcome in outcomes) == sorted(item.narration_key for item in ITEMS)
    (rejection,) = [outcome.rejection for outcome in outcomes if outcome.rejection is not None]
    assert (rejection.video_id, rejection.stage, rejection.reason) == ("deadly", STEP, RejectReason.WORKER_DIED)
    assert "died, 2 times" in rejection.detail
    assert all([stage for stage, _ in outcome.trace] == [STEP] for outcome in outcomes)
    assert 2 <= snapshot.begun_again <= 7
    assert snapshot.rejected == 1


def test_a_replica_that_cannot_be_made_stops_the_run():
    """Loading a model that does not fit into memory is not tried for ever."""
    with pytest.raises(ModelLoadError, match="died 2 times while the model was loaded"):
        run(Stage("unmade", Unmade, {}, 1, num_actors=1, num_cpus=0.5))
