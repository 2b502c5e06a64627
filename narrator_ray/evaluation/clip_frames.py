"""Pictures of the clips of a story, for metrics that look at them. The video is decoded in a process of its own.

What is seen is the middle square of every picture, as the narrator sees it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from narrator_ray.catalog.source import local_copy
from narrator_ray.config import Config, DecodeSettings
from narrator_ray.errors import ItemError, RejectReason
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.metrics.emscore import sampled_frames
from narrator_ray.video.frames import frame_times_s
from narrator_ray.video.guarded_decoder import GuardedDecoder

Frames = npt.NDArray[np.uint8]
ClipFrames = Sequence[Frames]
"""Of each clip, uint8 [T, 3, S, S], RGB."""

FPS = 1.0
"""Frames a second that are looked at: the released scripts'."""
SIDE_PX = 224
_JPEG_QUALITY = 85


def num_frames(story: JudgedStory) -> list[int]:
    """How many frames each clip has, as far as its times say."""
    return [len(frame_times_s(clip.clip, FPS)) for clip in story.clips]


def decode_clips(story: JudgedStory, config: Config) -> list[Frames]:
    """The frames of every clip of a story, of each at most ten, evenly spaced.

    Raises:
        ItemError: The video cannot be fetched or decoded, or breaks off.
    """
    clips = tuple(clip.clip for clip in story.clips)
    decoder = _decoder(config.decode)
    with local_copy(story.video.uri, config.sources, config.storage) as path:
        info, found = decoder.split(path, clips, config.clips, config.frames)
        sampled = decoder.sample(path, info, found, FPS, SIDE_PX)
    if len(sampled.clips) < len(clips):
        detail = f"{len(sampled.clips)} of {len(clips)} clips can be decoded"
        raise ItemError(RejectReason.VIDEO_UNREADABLE, detail)
    return [_spread(sampled.frames_TCHW[sampled.clip_index_T == place]) for place in range(len(clips))]


def middle_jpeg(frames_TCHW: Frames) -> bytes:
    """The frame in the middle of a clip as a file."""
    buffer = io.BytesIO()
    picture_HWC = frames_TCHW[len(frames_TCHW) // 2].transpose(1, 2, 0)
    Image.fromarray(picture_HWC).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _spread(frames_TCHW: Frames) -> Frames:
    """At most ten of the frames."""
    places = sampled_frames(np.arange(len(frames_TCHW), dtype=np.float64)[:, None])[:, 0]
    return frames_TCHW[places.astype(np.intp)]


@cache
def _decoder(settings: DecodeSettings) -> GuardedDecoder:
    """The decoder of this process."""
    return GuardedDecoder(settings)
