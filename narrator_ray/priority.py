"""Which process goes first where several want the same cores."""

from __future__ import annotations

import os

_STEPS = 4
"""Of niceness: a thread of a process that gives way gets two fifths of the time of one that does not."""


def give_way() -> None:
    """From now on, this process leaves cores to those it works for, as far as these want them.

    A narrator that shares its machine with decoders is what a night waits for: they are ahead of it soon, and would be
    further ahead than is of use while it has a core less.
    """
    os.nice(_STEPS)
