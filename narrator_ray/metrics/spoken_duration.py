"""Spoken-duration fit: the share of narrations that can be spoken while their clip plays.

Seconds are those that a voice needs at its pace, estimated by ``narration.speech`` or measured.

Source: ours; the paper counts characters instead (``metrics.word_length``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpokenClip:
    """A narration and the time there is for it.

    Attributes:
        spoken_s: Seconds that it takes to say the narration.
        clip_s: Seconds that the clip plays, above zero.
    """

    spoken_s: float
    clip_s: float

    @property
    def is_fitting(self) -> bool:
        """Whether the voice is done when the clip is."""
        return self.spoken_s <= self.clip_s

    @property
    def filled(self) -> float:
        """Share of the clip that is spoken in, at most 1: a short narration fits, but leaves silence."""
        return min(1.0, self.spoken_s / self.clip_s)

    @property
    def overrun_s(self) -> float:
        """Seconds that the voice goes on after the clip, 0 if it fits."""
        return max(0.0, self.spoken_s - self.clip_s)
