"""SIGTERM ends the program as Ctrl-C does: in order, with what was done so far kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_BY_SIGNAL = 128
"""Plus the signal's number: how shells say that a signal ended a program."""


class Terminated(KeyboardInterrupt):
    """The program was asked to end by SIGTERM."""


def exit_code_of(stop: KeyboardInterrupt) -> int:
    """The exit code that says which signal it was."""
    return EXIT_BY_SIGNAL + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """While the block runs, SIGTERM raises Terminated in it; a second one is ignored, because the first is obeyed."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
