"""What a stage of a graph is: a callable over Arrow tables and the resources one replica of it takes. Knows no Ray."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from narrator_ray.runs.work import WorkItem


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

    def least_actors(self, num_videos: int) -> int:
        """Replicas to begin with; Ray adds more, up to `num_actors`, where one has more to do than it can take.

        One replica takes many videos at once. Were it alone at the start, it would be given all of a small run.
        """
        return max(1, min(self.num_actors or 1, math.ceil(num_videos / self.videos_per_actor)))
