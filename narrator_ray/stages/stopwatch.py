"""Time by the clock and CPU time, and how both are divided among videos that are worked on together."""

from __future__ import annotations

import time

from narrator_ray.cost import NO_COST, StageCost


class Stopwatch:
    """Runs from the moment it is made.

    Args:
        of_thread: Takes the CPU time of this thread rather than that of the whole process: where several threads are at
            work, none is charged for another.
    """

    def __init__(self, of_thread: bool = False) -> None:
        self._cpu_clock = time.thread_time if of_thread else time.process_time
        self._started_s, self._cpu_started_s = time.perf_counter(), self._cpu_clock()

    def cost(self, num_shares: int = 1) -> StageCost:
        """What went by, or one of so many equal shares of it."""
        busy_s, cpu_s = time.perf_counter() - self._started_s, self._cpu_clock() - self._cpu_started_s
        return StageCost(busy_s / num_shares, cpu_s / num_shares)


class SharedStopwatch:
    """Divides what goes by among those that are at work at the time: all shares together are all that went by."""

    def __init__(self) -> None:
        self._watch = Stopwatch()
        self._each = NO_COST
        self._since: dict[str, StageCost] = {}

    def join(self, name: str) -> None:
        """One more is at work from now on."""
        self._divide()
        self._since[name] = self._each

    def leave(self, name: str) -> StageCost:
        """One of them is done: its share."""
        self._divide()
        since = self._since.pop(name)
        return StageCost(self._each.busy_s - since.busy_s, self._each.cpu_s - since.cpu_s)

    def _divide(self) -> None:
        """What went by since the last time goes to those at work in equal parts."""
        if self._since:
            self._each += self._watch.cost(len(self._since))
        self._watch = Stopwatch()
