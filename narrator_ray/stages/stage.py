"""What a stage of a graph is: a callable over Arrow tables and the resources one replica of it takes. Knows no Ray."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from narrator_ray.runs.work import WorkItem

_REPLICA_CPUS = 0.5
"""Share of the CPUs that replicas may take at the start."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the cluster offers.

    Attributes:
        num_cpus: Logical CPUs of the whole cluster.
        num_gpus: Logical GPUs of the whole cluster.
    """

    num_cpus: float
    num_gpus: float

    def device(self, asked: str) -> str:
        """The device that `auto` stands for."""
        if asked != "auto":
            return asked
        return "cuda" if self.num_gpus >= 1 else "cpu"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the graph.

    Attributes:
        name: What it is called in logs and tables.
        callable_class: Takes and gives Arrow tables.
        arguments: Of its constructor.
        batch_videos: Videos it is given at once.
        num_actors: Most replicas of an actor pool; None runs it as tasks.
        calls_per_actor: Batches that one replica is given at once, each on a thread of its own.
        videos_per_actor: Videos that keep one replica busy; with fewer for each, fewer replicas are started.
        num_cpus: Logical CPUs of one task or replica.
        num_gpus: Share of a GPU of one task or replica.
        first_step: Under which a video is rejected that its process does not survive; by default the stage's name.
        is_done: Whether what the stage makes of a video is in the store. Asked after a process died; only for stages
            that hand on rows of :data:`narrator_ray.schema.PLANNED`.
    """

    name: str
    callable_class: type
    arguments: dict[str, Any]
    batch_videos: int
    num_actors: int | None = None
    calls_per_actor: int = 1
    videos_per_actor: int = 1
    num_cpus: float = 1.0
    num_gpus: float = 0.0
    first_step: str = ""
    is_done: Callable[[WorkItem], bool] = lambda item: False


def first_replicas(stages: Iterable[Stage], num_videos: int, machine: Machine) -> dict[str, int]:
    """Replicas of every stage that has any, to begin with; Ray adds more where one has more to do than it can take.

    One replica takes many videos at once: were it alone at the start, it would be given all of a small run. But Ray
    starts these whatever else waits, so they are no more than the videos keep busy, and leave half of the CPUs to
    stages without replicas and a share of the GPUs to each other.

    Args:
        stages: All stages of a graph.
        num_videos: What is to be done.
        machine: The cluster as it is now; groups that scale from zero begin with one replica.
    """
    pools = [stage for stage in stages if stage.num_actors is not None]
    rooms = (
        (machine.num_cpus * _REPLICA_CPUS, sum(stage.num_cpus for stage in pools)),
        (machine.num_gpus, sum(stage.num_gpus for stage in pools)),
    )
    room = min((int(offered / taken) for offered, taken in rooms if taken), default=num_videos)
    return {
        stage.name: max(1, min(stage.num_actors or 1, math.ceil(num_videos / stage.videos_per_actor), room))
        for stage in pools
    }
