"""A model that no process survives loading stops the run: it is not loaded for ever."""

import os
import signal

import pytest

from narrator_ray.errors import ModelLoadError
from narrator_ray.stages.execute import execute_graph
from narrator_ray.stages.stage import Stage
from tests.stages.fakes import work_item

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("local_ray")]


class Unmade:
    """Does not survive being made, as a process that the system kills for memory."""

    def __init__(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_replica_that_cannot_be_made_stops_the_run():
    """After two deaths, with an error that says where."""
    stage = Stage("unmade", Unmade, {}, 1, num_actors=1, num_cpus=0.5)
    with pytest.raises(ModelLoadError, match="unmade: its process died 2 times while the model was loaded"):
        execute_graph(lambda machine, board: [stage], [work_item("mug")], 1, lambda _: None, lambda _: None)
