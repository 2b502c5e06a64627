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
        num_together: Videos that were begun together the last time.
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
class _Attempt:
    node_id: str
    num_together: int


class AttemptBook:
    """Attempts under way, and suspicions; what is finished with takes no room.

    Args:
        live_nodes: Gives the ids of the nodes that are alive.

    Attributes:
        num_begun_again: How often a video was begun again after its process had died.
    """

    def __init__(self, live_nodes: Callable[[], Collection[str]]) -> None:
        self.num_begun_again = 0
        self._live_nodes = live_nodes
        self._attempts: dict[tuple[str, str], _Attempt] = {}
        self._suspicions: dict[tuple[str, str], Suspicion] = {}

    def begin(self, stage: str, keys: Sequence[str], node_id: str) -> dict[str, Suspicion]:
        """Note that a process begins these together, unless something is held against one of them.

        Returns:
            What is held against whom. If there is anyone, nothing was noted: see :meth:`begin_anyway`.
        """
        names = [(stage, key) for key in keys]
        self._suspect([name for name in names if name in self._attempts])
        held = {name[1]: self._suspicions[name] for name in names if name in self._suspicions}
        if not held:
            self.begin_anyway(stage, keys, node_id)
        return held

    def begin_anyway(self, stage: str, keys: Sequence[str], node_id: str) -> None:
        """Note that a process begins these together."""
        self._attempts |= {(stage, key): _Attempt(node_id, len(keys)) for key in keys}

    def end(self, stage: str, keys: Sequence[str]) -> None:
        """Note that a process is finished with these, whatever came of them."""
        for key in keys:
            self._attempts.pop((stage, key), None)
            self._suspicions.pop((stage, key), None)

    def _suspect(self, interrupted: Sequence[tuple[str, str]]) -> None:
        """Hold against videos that the process which had begun them is dead."""
        if not interrupted:
            return
        live = self._live_nodes()
        self.num_begun_again += len(interrupted)
        for name in interrupted:
            attempt, past = self._attempts.pop(name), self._suspicions.get(name)
            blame = 1.0 if attempt.node_id in live else _BLAME_OF_A_NODE
            self._suspicions[name] = Suspicion(blame + (past.deaths if past else 0.0), attempt.num_together)
