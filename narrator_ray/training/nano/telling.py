"""How films whose features are at hand are told, for figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from narrator_ray.config import DecodingSettings, LengthSettings
from narrator_ray.model.context import ClipContext
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.length import Window, windows_for
from narrator_ray.narration.speech import TYPICAL_WORD_TICKS
from narrator_ray.records import Video

_LANES = 16
_LONGEST_UNHELD = 3
"""A narration whose length is only asked for ends at so many times the highest number of words at the latest."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How stories are told.

    Attributes:
        decoding: How tokens are picked.
        has_labels: Whether clips have script labels, which the model chooses.
        is_length_kept: Whether narrations are held to their windows; False leaves it at what the prompt asks for.
    """

    decoding: DecodingSettings = field(default_factory=DecodingSettings)
    has_labels: bool = True
    is_length_kept: bool = True


AS_A_RUN = Telling()
"""Labels chosen, lengths kept, greedily."""


def narrated(
    narrator: VideoNarrator,
    videos: Sequence[Video],
    contexts: Sequence[tuple[ClipContext, ...]],
    telling: Telling = AS_A_RUN,
) -> list[list[ClipResult]]:
    """What is told of every video, clip by clip, labels chosen by the model.

    Args:
        narrator: Who tells.
        videos: With clips, in English.
        contexts: Of every video's clips.
        telling: How.
    """
    jobs = [
        NarrationJob(
            job_id=video.video_id,
            product=video.product,
            language="en",
            clips=video.clips or (),
            contexts=its_contexts,
            storyline=None,
            windows=windows,
            seed=0,
            spoken_windows=None if telling.is_length_kept else tuple(map(_open, windows)),
        )
        for video, its_contexts in zip(videos, contexts, strict=True)
        for windows in (windows_for(video, video.clips or (), LengthSettings()),)
    ]
    told: dict[str, list[ClipResult]] = {job.job_id: [] for job in jobs}
    engine = NarrationEngine(narrator, telling.decoding, _LANES, has_labels=telling.has_labels)
    for result in engine.narrate(jobs):
        assert isinstance(result, ClipResult), result
        told[result.job_id].append(result)
    return list(told.values())


def _open(window: Window) -> Window:
    """A window of spoken time that any narration of usual length fits."""
    return 1, _LONGEST_UNHELD * window[1] * TYPICAL_WORD_TICKS["en"]
