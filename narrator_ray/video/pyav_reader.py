"""Reads pictures at given times with PyAV, the second decoder: any codec, damaged packets left out, turned upright."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.video.container import TIME_TOLERANCE_S, PictureWalk, open_video
from narrator_ray.video.probe import VideoInfo

_MAX_DAMAGED_FRACTION = 0.2


class _Converter:
    """Turns decoded frames into upright RGB arrays of one size."""

    def __init__(self, info: VideoInfo, width_px: int, height_px: int) -> None:
        is_upright = info.rotation_deg in (0, 180)
        self._stored_size = (width_px, height_px) if is_upright else (height_px, width_px)
        self._clockwise_quarter_turns = info.rotation_deg // 90
        # One reformatter for all frames: it keeps its tables of weights.
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> npt.NDArray[np.uint8]:
        width_px, height_px = self._stored_size
        resized = self._reformatter.reformat(frame, width_px, height_px, "rgb24", interpolation="BICUBIC")
        return np.rot90(resized.to_ndarray().astype(np.uint8, copy=False), k=-self._clockwise_quarter_turns)


def read_with_pyav(
    path: Path, times_s: Sequence[float], info: VideoInfo, width_px: int, height_px: int, least_fraction: float = 1.0
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...], float | None]:
    """Pictures [T, H, W, 3] (RGB, displayed way up, of the size asked) on screen at the times asked, and remarks.

    The last result is None, or where the pictures end if that is before the times asked do; after it the last picture
    is repeated.

    Raises:
        UnreadableVideo: The pictures end before the times asked do and before the least fraction of the video's length,
            or too many are damaged.
    """
    order = np.argsort(np.asarray(times_s), kind="stable")
    sorted_s = [times_s[index] for index in order]
    frames_THWC = np.empty((len(order), height_px, width_px, 3), dtype=np.uint8)
    convert = _Converter(info, width_px, height_px)
    with open_video(path) as (container, stream):
        walk = PictureWalk(container, stream)
        for position, frame in enumerate(_on_screen(walk, sorted_s)):
            frames_THWC[order[position]] = convert(frame)
    end_s = _early_end_s(walk, info, sorted_s[-1], least_fraction)
    return frames_THWC, _remarks(walk), end_s


def _on_screen(walk: PictureWalk, sorted_s: Sequence[float]) -> Iterator[VideoFrame]:
    """The frame on screen at each of the times, which ascend; after the end, the last one."""
    waiting = deque(sorted_s)
    shown: VideoFrame | None = None
    for time_s, frame in walk:
        while shown is not None and waiting and waiting[0] + TIME_TOLERANCE_S < time_s:
            waiting.popleft()
            yield shown
        if not waiting:
            return
        shown = frame
    if shown is not None:
        yield from repeat(shown, len(waiting))


def _early_end_s(walk: PictureWalk, info: VideoInfo, last_s: float, least_fraction: float) -> float | None:
    """Where the pictures end, if they end too early; checks that they are enough."""
    is_early = walk.end_s <= last_s and not info.reaches_end(walk.end_s)
    if is_early and (walk.end_s < least_fraction * info.duration_s or least_fraction == 1):
        detail = (
            f"it can be decoded up to {walk.end_s:.1f} s of {info.duration_s:.1f} s: the rest is missing or damaged"
        )
        raise UnreadableVideo(RejectReason.VIDEO_UNREADABLE, detail)
    if walk.num_damaged_packets > _MAX_DAMAGED_FRACTION * walk.num_packets:
        detail = f"{walk.num_damaged_packets} of {walk.num_packets} pictures are damaged"
        raise UnreadableVideo(RejectReason.VIDEO_UNREADABLE, detail)
    return walk.end_s if is_early else None


def _remarks(walk: PictureWalk) -> tuple[str, ...]:
    if not walk.num_damaged_packets:
        return ()
    return (f"{walk.num_damaged_packets} of {walk.num_packets} pictures are damaged and were left out",)
