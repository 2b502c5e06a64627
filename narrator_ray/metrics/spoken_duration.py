"""Spoken-duration fit: the share of narrations that can be spoken while their clip plays.

Seconds are those that a voice needs at its pace, estimated by ``narration.speech`` or measured.

Source: ours; the paper counts characters instead (``metrics.word_length``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from narrator_ray.errors import MetricError


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
    def overrun_s(self) -> float:
        """Seconds that the voice goes on after the clip, 0 if it fits."""
        return max(0.0, self.spoken_s - self.clip_s)


@dataclass(frozen=True, slots=True)
class SpokenFit:
    """How narrations fit their clips.

    Attributes:
        fitting: Share of narrations that fit.
        filled: Mean share of a clip that is spoken in, at most 1 each: a short narration fits, but leaves silence.
        overrun_s: Mean seconds over the end, those that fit counted as 0.
    """

    fitting: float
    filled: float
    overrun_s: float


def spoken_fit(clips: Sequence[SpokenClip]) -> SpokenFit:
    """How narrations fit their clips; an empty narration fits and fills nothing.

    Raises:
        MetricError: There are none.
    """
    if not clips:
        raise MetricError("spoken-duration fit: there is no clip with a narration")
    return SpokenFit(
        fitting=sum(clip.is_fitting for clip in clips) / len(clips),
        filled=sum(min(1.0, clip.spoken_s / clip.clip_s) for clip in clips) / len(clips),
        overrun_s=sum(clip.overrun_s for clip in clips) / len(clips),
    )
