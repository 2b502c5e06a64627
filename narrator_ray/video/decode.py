"""Pictures of a video at given times, by decord, and by PyAV where decord fails. A pure function of the file.

Knows nothing of clips. Both decoders give the same picture for the same time: the last one shown at or before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.video.decord_reader import read_with_decord
from narrator_ray.video.probe import VideoInfo
from narrator_ray.video.pyav_reader import read_with_pyav


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFrames:
    """Pictures of one video.

    Attributes:
        frames_THWC: uint8 [T, H, W, 3], RGB, the way up in which the video is displayed.
        decoder: "decord" or "pyav": which one read them.
        notes: Remarks for a reader: why not decord, what was damaged.
        end_s: None, or where the pictures end, before the times asked do: pictures for later times repeat the last.
    """

    frames_THWC: npt.NDArray[np.uint8]
    decoder: str
    notes: tuple[str, ...]
    end_s: float | None = None

    def __repr__(self) -> str:
        shape = "x".join(str(n) for n in self.frames_THWC.shape)
        return f"DecodedFrames({shape}, {self.decoder}, notes={self.notes})"


def decode_frames(
    path: Path, times_s: Sequence[float], info: VideoInfo, short_side_px: int, least_fraction: float = 1.0
) -> DecodedFrames:
    """The picture on screen at each of the times, resized while decoding so that the shorter side is as asked.

    Args:
        path: A local video file for which `probe_video` gave ``info``; decord must see no other file.
        times_s: At least one time in seconds, in any order. After the last picture, the last picture is taken.
        info: What `probe_video` said.
        short_side_px: Shorter side of the displayed picture; the aspect is kept.
        least_fraction: Share of the video's length that is enough where the file breaks off; 1 wants all.

    Raises:
        UnreadableVideo: Neither decoder reads it up to the last time asked, or enough of it; the detail has both
            reasons.
    """
    width_px, height_px = _resized(info, short_side_px)
    try:
        return DecodedFrames(read_with_decord(path, times_s, info, width_px, height_px), "decord", ())
    except UnreadableVideo as error:
        decord_reason = error.detail
    try:
        frames_THWC, remarks, end_s = read_with_pyav(path, times_s, info, width_px, height_px, least_fraction)
    except UnreadableVideo as error:
        raise UnreadableVideo(
            RejectReason.VIDEO_UNREADABLE, f"decord: {decord_reason}; PyAV: {error.detail}"
        ) from error
    notes = (f"decord could not read it ({decord_reason}); read with PyAV", *remarks)
    return DecodedFrames(frames_THWC, "pyav", notes, end_s)


def _resized(info: VideoInfo, short_side_px: int) -> tuple[int, int]:
    scale = short_side_px / min(info.width_px, info.height_px)
    return round(info.width_px * scale), round(info.height_px * scale)
