"""Reads pictures at given times with decord, the first decoder. Every way in which decord fails becomes one error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.video.container import TIME_TOLERANCE_S
from narrator_ray.video.probe import VideoInfo

_MAX_SUBSTITUTED_FRACTION = 0.05
_SHORT_REASONS = {
    "cannot find video stream": "no decoder for the codec {codec}",
    "av_read_frame failed": "the file breaks off or is damaged",
    "avcodec_send_packet": "damaged pictures",
    "recovered from nearest frames": "too many pictures cannot be decoded",
    "handle EOF": "the end of the file cannot be reached",
    "broken metadata": "broken metadata",
    "Error reading": "the file cannot be opened",
}


def read_with_decord(
    path: Path, times_s: Sequence[float], info: VideoInfo, width_px: int, height_px: int
) -> npt.NDArray[np.uint8]:
    """Pictures [T, H, W, 3] (RGB, displayed way up, of the size asked) that are on screen at the times asked.

    Raises:
        UnreadableVideo: decord fails, or sees less of the video than it lasts. The detail names no decoder.
    """
    import decord
    from decord._ffi.base import DECORDError, DECORDLimitReachedError

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(
            str(path.absolute()),
            ctx=decord.cpu(0),
            width=width_px,
            height=height_px,
            num_threads=1,
            fault_tol=_MAX_SUBSTITUTED_FRACTION,
        )
        # float64 [N, 2]: start and end of every picture, in order of display.
        shown_s = reader.get_frame_timestamp(range(len(reader))).astype(np.float64)
        if shown_s[0, 0] < -TIME_TOLERANCE_S:
            # Pictures before the start that an edit list hides: decord counts them or not, by how it got there.
            raise _failure("it miscounts the pictures of a trimmed video")
        shown_s -= shown_s[0, 0]
        if not info.reaches_end(float(shown_s[-1, 1])):
            raise _failure(f"it ends at {shown_s[-1, 1]:.1f} s of {info.duration_s:.1f} s")
        indices = np.searchsorted(shown_s[:, 0], np.asarray(times_s) + TIME_TOLERANCE_S, side="right") - 1
        frames: npt.NDArray[np.uint8] = reader.get_batch(np.maximum(indices, 0)).asnumpy()
        # Pictures decoded ahead are held until the next seek.
        reader.seek(0)
    except (DECORDError, DECORDLimitReachedError, RuntimeError, AssertionError, UnicodeEncodeError) as error:
        raise _failure(_short_reason(str(error), type(error).__name__, info.codec)) from error
    return frames


def _failure(detail: str) -> UnreadableVideo:
    return UnreadableVideo(RejectReason.VIDEO_UNREADABLE, detail)


def _short_reason(message: str, kind: str, codec: str) -> str:
    """A reason that is the same on every run: decord's own text holds clock times and addresses."""
    for phrase, reason in _SHORT_REASONS.items():
        if phrase in message:
            return reason.format(codec=codec)
    return kind
