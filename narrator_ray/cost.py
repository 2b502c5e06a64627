"""What work costs and how much of it there was, counted the same way from a stage's worker to the record of a run."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any, Self

_SECONDS_DIGITS = 6


@dataclass(frozen=True, slots=True)
class StageCost:
    """What one stage took for one video, or for several, and what it worked through.

    Attributes:
        busy_s: Seconds by the clock. Of work done for several videos at once, each has its share.
        cpu_s: Seconds of CPU time that processes really took, the decoder's child included.
        num_frames: Frames sampled or encoded.
        num_clips: Clips found, prepared or narrated.
        tokens_written: Tokens of the narrations.
        tokens_read: Tokens that went through the language model, those of prompts included.
        tokens_shared: Tokens of prompts that did not have to, because another video had read them.
    """

    busy_s: float = 0.0
    cpu_s: float = 0.0
    num_frames: int = 0
    num_clips: int = 0
    tokens_written: int = 0
    tokens_read: int = 0
    tokens_shared: int = 0

    def __add__(self, other: StageCost) -> StageCost:
        return StageCost(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def to_json(self) -> list[Any]:
        """The values in order, the form in which they travel through the graph."""
        return [round(value, _SECONDS_DIGITS) for value in astuple(self)]

    @classmethod
    def from_json(cls, values: list[Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(*values)


NO_COST = StageCost()
