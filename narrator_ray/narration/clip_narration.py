"""From a catalogue row to what an engine is asked, and from its answer to what a result holds. Loads no torch.

The batch job and the endpoint both come through here, so what is asked in one way is answered in one way. Does not know
where features come from nor where results go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from narrator_ray.config import LengthSettings
from narrator_ray.model.context import ClipContext
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.length import spoken_windows_for, windows_for
from narrator_ray.narration.speech import TICK_S
from narrator_ray.records import Clip, Narration, Video

_SHOWN_DIGITS = 3
"""Of a probability. Which videos are read together changes its last digits, and results should be the same bytes."""


def narration_job(
    job_id: str,
    narration_key: str,
    row: Video,
    clips: tuple[Clip, ...],
    contexts: tuple[ClipContext, ...],
    length: LengthSettings,
) -> NarrationJob:
    """What an engine is asked.

    Args:
        job_id: Names the job in the engine's answers.
        narration_key: Key of the result, from which the video's random stream derives.
        row: The catalogue row; it may give more clips than there are, where the file breaks off.
        clips: The clips there are.
        contexts: What is seen of each.
        length: Policy and rates.

    Raises:
        LengthWindowError: No window can be computed.
    """
    video = row.with_first_clips(len(clips))
    return NarrationJob(
        job_id=job_id,
        product=video.product,
        language=video.language,
        clips=clips,
        contexts=contexts,
        storyline=video.storyline,
        windows=windows_for(video, clips, length),
        spoken_windows=spoken_windows_for(video.language, clips, length),
        seed=int(narration_key[:8], 16),
        adapter=video.adapter,
    )


def clip_narration(
    result: ClipResult, job: NarrationJob, num_frames: int, kept_frames_s: Sequence[float], length: LengthSettings
) -> Narration:
    """What a result holds of one clip.

    Args:
        result: The engine's answer.
        job: What it was asked.
        num_frames: Frames sampled from the clip.
        kept_frames_s: Times of those that were left after compression.
        length: Pace of the voice.
    """
    index = result.clip_index
    narration = Narration(
        clip_index=index,
        clip=job.clips[index],
        script_labels=result.script_labels,
        label_source=result.label_source,
        text=result.text,
        num_words=result.num_words,
        min_words=job.windows[index][0],
        max_words=job.windows[index][1],
        num_frames=num_frames,
        kept_frames_s=tuple(kept_frames_s),
        label_probabilities=tuple((label, round(share, _SHOWN_DIGITS)) for label, share in result.label_probabilities),
    )
    if job.spoken_windows is None:
        return narration
    tick_s = TICK_S / length.pace(job.language)
    low, high = job.spoken_windows[index]
    return replace(narration, spoken_s=result.spoken_ticks * tick_s, spoken_window_s=(low * tick_s, high * tick_s))
