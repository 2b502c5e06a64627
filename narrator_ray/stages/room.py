"""A room that calls share, and that one of them may have to itself. Knows no Ray."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """For calls on several threads of one process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._num_inside = 0

    def __reduce__(self) -> tuple[type[Room], tuple[()]]:
        """It travels to other processes empty."""
        return Room, ()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Inside beside others."""
        with self._changed:
            self._num_inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._num_inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside when all others have left; nobody comes in meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._num_inside)
            yield
