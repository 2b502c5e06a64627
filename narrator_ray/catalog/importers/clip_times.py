"""Annotated times to times of clips that follow each other. Knows no formats and no videos.

Annotators' clips overlap now and then, and some have no length. A catalogue's clips are in order, without overlap and
longer than nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

Span = tuple[float, float]
"""Start and end in seconds."""

_FRAME_S = 1.0
"""What a clip without length is given: the released code takes one frame of it, at one frame a second."""


def without_overlap(spans: Sequence[Span]) -> list[Span]:
    """Spans in which every clip ends before the next one starts.

    Where two overlap, the earlier one is cut at the start of the later one; where they start together, the later one
    waits for the earlier one's end. A span without length becomes a second long. Spans that are in the wrong order or
    end before they start are mistakes, not overlaps: they are left as they are.
    """
    fixed: list[Span] = []
    for index, (start_s, end_s) in enumerate(spans):
        if end_s < start_s or (index and start_s < spans[index - 1][0]):
            fixed.append((start_s, end_s))
            continue
        if fixed and start_s < fixed[-1][1]:
            start_s = _parted(fixed, start_s)
        fixed.append((start_s, end_s if end_s > start_s else start_s + _FRAME_S))
    return fixed


def _parted(fixed: list[Span], start_s: float) -> float:
    """Part the last span from a clip that starts inside or before it; returns where that clip then starts."""
    before_start_s, before_end_s = fixed[-1]
    if start_s <= before_start_s:
        return before_end_s
    fixed[-1] = (before_start_s, start_s)
    return start_s
