"""Splits a video into clips: at its cuts where the catalogue gives no clips, else by checking the clips given.

Rotation and size do not matter here: cuts are looked for in small pictures of the stored way up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from av.video.reformatter import VideoReformatter

from narrator_ray.config import ClipSettings
from narrator_ray.errors import NoUsableClips, RejectReason
from narrator_ray.records import Clip
from narrator_ray.video.container import PictureWalk, open_video
from narrator_ray.video.probe import VideoInfo

OVERHANG_S = 1.0
"""A given clip may end this much after the video: cut lists are rounded to seconds."""

_DETECTION_WIDTH_PX = 256
_ROUNDING_S = 1e-6


def find_clips(path: Path, info: VideoInfo, settings: ClipSettings) -> tuple[Clip, ...]:
    """Find the cuts of a video and arrange clips between them.

    Every second of the video lies in exactly one clip. Where the file stops decoding no more cuts are found; whether
    enough of it can be read is judged where its frames are decoded.

    Raises:
        UnreadableVideo: The file cannot be opened.
    """
    return arrange_clips(_find_cuts_s(path, info, settings.detector_threshold), info.duration_s, settings)


def arrange_clips(cuts_s: Iterable[float], duration_s: float, settings: ClipSettings) -> tuple[Clip, ...]:
    """Clips of allowed length from the times of the cuts, in order, the first from 0 and the last to the end.

    A shot shorter than ``min_clip_s`` is joined with the next one, the last with the one before; a shot longer than
    ``max_clip_s`` is cut into the fewest even parts. A video shorter than ``min_clip_s`` is one clip.
    """
    borders_s = [0.0]
    for cut_s in sorted(cuts_s):
        if cut_s - borders_s[-1] >= settings.min_clip_s and duration_s - cut_s >= settings.min_clip_s:
            borders_s.append(cut_s)
    borders_s.append(duration_s)
    return tuple(clip for start_s, end_s in pairwise(borders_s) for clip in _even_parts(start_s, end_s, settings))


def _even_parts(start_s: float, end_s: float, settings: ClipSettings) -> list[Clip]:
    num_parts = max(1, math.ceil((end_s - start_s - _ROUNDING_S) / settings.max_clip_s))
    step_s = (end_s - start_s) / num_parts
    borders_s = [start_s, *(start_s + part * step_s for part in range(1, num_parts)), end_s]
    return [Clip(*borders) for borders in pairwise(borders_s)]


def _find_cuts_s(path: Path, info: VideoInfo, threshold: float) -> list[float]:
    """Times of the first picture after every cut, by PySceneDetect's content detector on every picture.

    The pictures are decoded here rather than by PySceneDetect's own reader, which would open any kind of file and
    convert every picture at full size.
    """
    from scenedetect import ContentDetector, FrameTimecode

    # Shots that are too short are joined by `arrange_clips`, so the detector's own minimum is off.
    detector = ContentDetector(threshold=threshold, min_scene_len=0)
    reformatter = VideoReformatter()
    cuts_s = []
    with open_video(path) as (container, stream):
        for number, (time_s, frame) in enumerate(PictureWalk(container, stream)):
            width_px = min(_DETECTION_WIDTH_PX, frame.width)
            height_px = max(1, round(frame.height * width_px / frame.width))
            small = reformatter.reformat(frame, width_px, height_px, "bgr24", interpolation="AREA")
            if detector.process_frame(FrameTimecode(number, info.fps), small.to_ndarray()):
                cuts_s.append(time_s)
    return cuts_s


def check_clips(clips: Sequence[Clip], duration_s: float) -> tuple[Clip, ...]:
    """The clips that a catalogue gives, ends that reach a little beyond the video moved to its end.

    Raises:
        NoUsableClips: A clip lies outside the video (CLIPS_OUTSIDE_VIDEO); the detail names the clip and the times.
    """
    for number, clip in enumerate(clips, start=1):
        if clip.start_s >= duration_s or clip.end_s > duration_s + OVERHANG_S:
            raise NoUsableClips(
                RejectReason.CLIPS_OUTSIDE_VIDEO,
                f"clip {number} of {len(clips)} is {clip.start_s:g} to {clip.end_s:g} s, "
                f"but the video lasts {duration_s:.2f} s: correct the clip or leave the clips out",
            )
    return tuple(Clip(clip.start_s, min(clip.end_s, duration_s)) for clip in clips)
