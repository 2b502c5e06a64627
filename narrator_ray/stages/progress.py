"""The board on which stages count what they finished, and from which the driver draws the progress display.

Counting is best effort: a lost message costs a wrong bar, never a wrong result. Results and rejections travel with the
rows themselves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProgressSnapshot:
    """What is done so far.

    Attributes:
        videos: Videos that left each stage, by the stage's name.
        clips: Clips narrated.
        rejected_by_stage: Videos rejected in each stage, by the stage's name.
        begun_again: How often a stage began a video again because its process had died.
    """

    videos: dict[str, int] = field(default_factory=dict)
    clips: int = 0
    rejected_by_stage: dict[str, int] = field(default_factory=dict)
    begun_again: int = 0

    @property
    def rejected(self) -> int:
        """Videos rejected, in any stage."""
        return sum(self.rejected_by_stage.values())


class ProgressBoard:
    """Counts, kept by one small actor that takes no CPU."""

    def __init__(self) -> None:
        self._videos: Counter[str] = Counter()
        self._clips = 0
        self._rejected: Counter[str] = Counter()

    def add(self, stage: str, videos: int, clips: int, rejected: int) -> None:
        """Add to the counts of a stage."""
        self._videos[stage] += videos
        self._clips += clips
        self._rejected[stage] += rejected

    def snapshot(self) -> ProgressSnapshot:
        """The counts so far."""
        return ProgressSnapshot(dict(self._videos), self._clips, dict(self._rejected))


class ProgressReporter:
    """A stage's way to the board; sends and does not wait."""

    def __init__(self, board: Any, stage: str) -> None:
        self._board = board
        self._stage = stage

    def add(self, videos: int = 0, clips: int = 0, rejected: int = 0) -> None:
        """Count finished videos and clips, and rejected videos."""
        self._board.add.remote(self._stage, videos, clips, rejected)
