"""Which videos a process has begun, so that one which kills its process is found out. Knows no Ray.

Ray runs a task again whose process died, however often. Alone, that would let one video which kills every process that
touches it (a crash of native code, memory that runs out) hold up a run forever. So every process notes what it begins
and what it has finished with; what is begun again without having been finished was there when a process died. Videos
that were there together are begun again in smaller parts, until the culprit is alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

MOST_DEATHS = 2
"""Deaths of a process that a video may have caused; at the last of them it must have been alone."""
_BLAME_OF_A_NODE = 0.5
"""A node that is lost takes the innocent with it, yet a video may exhaust a whole node's memory."""
_SHRINKING = 8
"""A part is so many times smaller than the videos that were begun together before."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is held against a video.

    Attributes:
        deaths: Deaths of processes that it may have caused; a lost node counts half.
        num_together: Videos that the last of these processes was at.
    """

    deaths: float
    num_together: int

    @property
    def is_proven(self) -> bool:
        """Whether the video is to be given up."""
        return self.deaths >= MOST_DEATHS and self.num_together == 1

    @property
    def part_videos(self) -> int:
        """How many of its like are to be begun together."""
        return max(1, self.num_together // _SHRINKING)


@dataclass(frozen=True, slots=True)
class Process:
    """Who works on videos.

    Attributes:
        worker_id: Of the process; no other process has or had it.
        node_id: Of the node it runs on.
    """

    worker_id: str
    node_id: str


class AttemptBook:
    """Attempts under way, and suspicions; what is settled takes no room.

    Args:
        live_nodes: Gives the ids of the nodes that are alive.

    Attributes:
        num_begun_again: How often a video was begun again after its process had died.
    """

    def __init__(self, live_nodes: Callable[[], Collection[str]]) -> None:
        self.num_begun_again = 0
        self._live_nodes = live_nodes
        self._attempts: dict[tuple[str, str], Process] = {}
        self._suspicions: dict[tuple[str, str], Suspicion] = {}

    def attempt(self, stage: str, keys: Sequence[str], process: Process) -> dict[str, Suspicion]:
        """Note that a process begins these, unless something is held against one of them.

        Returns:
            What is held against whom. If there is anyone, nothing was noted: see :meth:`attempt_anyway`.
        """
        names = [(stage, key) for key in keys]
        for dead in {self._attempts[name] for name in names if name in self._attempts} - {process}:
            self._suspect_all_of(dead)
        held = {name[1]: self._suspicions[name] for name in names if name in self._suspicions}
        if not held:
            self.attempt_anyway(stage, keys, process)
        return held

    def attempt_anyway(self, stage: str, keys: Sequence[str], process: Process) -> None:
        """Note that a process begins these."""
        self._attempts |= {(stage, key): process for key in keys}

    def settle(self, stage: str, keys: Sequence[str]) -> None:
        """Note that a process is finished with these, whatever came of them."""
        for key in keys:
            self._attempts.pop((stage, key), None)
            self._suspicions.pop((stage, key), None)

    def _suspect_all_of(self, dead: Process) -> None:
        """Hold against all that a process had begun that it is dead."""
        names = [name for name, process in self._attempts.items() if process == dead]
        blame = 1.0 if dead.node_id in self._live_nodes() else _BLAME_OF_A_NODE
        self.num_begun_again += len(names)
        for name in names:
            del self._attempts[name]
            past = self._suspicions.get(name)
            self._suspicions[name] = Suspicion(blame + (past.deaths if past else 0.0), len(names))
