"""Which moments of a clip are looked at, and the pictures of them: squares for the encoder, thumbnails for people.

Knows nothing of what the encoder does with them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.records import Clip
from narrator_ray.video.decode import decode_frames
from narrator_ray.video.probe import VideoInfo

THUMBNAIL_HEIGHT_PX = 96
THUMBNAIL_JPEG_QUALITY = 80
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class SampledFrames:
    """The frames of all clips of one video, in order of clip and time.

    Attributes:
        frames_TCHW: uint8 [T, 3, S, S], RGB, the middle square of the picture.
        clip_index_T: int32 [T], the clip of each frame.
        time_s_T: float64 [T], the moment each frame stands for, in seconds.
        thumbnails_jpeg: One small JPEG of each whole picture.
        decoder: "decord" or "pyav".
        notes: Remarks for a reader.
        clips: The clips, without those after which the file breaks off.
    """

    frames_TCHW: npt.NDArray[np.uint8]
    clip_index_T: npt.NDArray[np.int32]
    time_s_T: npt.NDArray[np.float64]
    thumbnails_jpeg: tuple[bytes, ...]
    decoder: str
    notes: tuple[str, ...]
    clips: tuple[Clip, ...]

    def __repr__(self) -> str:
        shape = "x".join(str(n) for n in self.frames_TCHW.shape)
        return f"SampledFrames({shape} of {self.clip_index_T[-1] + 1} clips, {self.decoder}, notes={self.notes})"


def frame_times_s(clip: Clip, fps: float) -> list[float]:
    """Moments at which a clip is looked at, in seconds, ascending, all inside the clip, at least one.

    Time is cut into slots of 1 / fps, numbered from 1. A clip takes the slots int(start * fps) + 1 to int(end * fps),
    or the first of these where there is none.

    Source: the released scripts number the frames that ffmpeg extracts at 1 fps in the same way. They take the picture
    as extracted, which for a clip that starts or ends within a slot may belong to its neighbour. Here the moment is the
    middle of the part of the slot that lies inside the clip: (n - 0.5) / fps for a whole slot.
    """
    first = int(clip.start_s * fps + _ROUNDING) + 1
    last = max(first, int(clip.end_s * fps + _ROUNDING))
    slots_s = ((max(clip.start_s, (n - 1) / fps), min(clip.end_s, n / fps)) for n in range(first, last + 1))
    return [(start_s + end_s) / 2 for start_s, end_s in slots_s]


def sample_frames(
    path: Path,
    info: VideoInfo,
    clips: Sequence[Clip],
    fps: float,
    image_size_px: int,
    least_fraction: float = 1.0,
) -> SampledFrames:
    """Decode the frames of every clip at the sampling rate.

    Of a file that breaks off, the clips before the first one of which nothing is left are kept.

    Args:
        path: A local video file.
        info: What `probe_video` said of it.
        clips: At least one, inside the video.
        fps: Frames looked at per second.
        image_size_px: Side S of the square that is cut from the middle, after the shorter side was resized to it.
        least_fraction: Share of the video's length that is enough where the file breaks off; 1 wants all.

    Raises:
        UnreadableVideo: The frames cannot be decoded, or too few of them.
    """
    moments = [(index, time_s) for index, clip in enumerate(clips) for time_s in frame_times_s(clip, fps)]
    decoded = decode_frames(path, [time_s for _, time_s in moments], info, image_size_px, least_fraction)
    kept = clips if decoded.end_s is None else _clips_until(decoded.end_s, clips, moments)
    places = [
        place
        for place, (index, time_s) in enumerate(moments)
        if index < len(kept) and (decoded.end_s is None or time_s < decoded.end_s)
    ]
    frames_THWC = decoded.frames_THWC if len(places) == len(moments) else decoded.frames_THWC[places]
    return SampledFrames(
        frames_TCHW=_middle_square(frames_THWC, image_size_px),
        clip_index_T=np.array([moments[place][0] for place in places], dtype=np.int32),
        time_s_T=np.array([moments[place][1] for place in places], dtype=np.float64),
        thumbnails_jpeg=tuple(_thumbnail_jpeg(picture_HWC) for picture_HWC in frames_THWC),
        decoder=decoded.decoder,
        notes=(*decoded.notes, *_missing_end(decoded.end_s, info, len(clips) - len(kept))),
        clips=tuple(kept),
    )


def _clips_until(end_s: float, clips: Sequence[Clip], moments: Sequence[tuple[int, float]]) -> list[Clip]:
    """The clips before the first one of which no frame is left, cut where the pictures end."""
    seen = {index for index, time_s in moments if time_s < end_s}
    num_kept = next((index for index in range(len(clips)) if index not in seen), len(clips))
    if not num_kept:
        detail = f"nothing of its first clip can be decoded: the pictures end at {end_s:.1f} s"
        raise UnreadableVideo(RejectReason.VIDEO_UNREADABLE, detail)
    return [Clip(clip.start_s, min(clip.end_s, end_s)) for clip in clips[:num_kept]]


def _missing_end(end_s: float | None, info: VideoInfo, num_dropped: int) -> tuple[str, ...]:
    if end_s is None:
        return ()
    dropped = f", which leaves out {num_dropped} clips" if num_dropped else ""
    return (f"narrated up to {end_s:.1f} of {info.duration_s:.1f} s: the rest is missing or damaged{dropped}",)


def _middle_square(frames_THWC: npt.NDArray[np.uint8], side_px: int) -> npt.NDArray[np.uint8]:
    top, left = (frames_THWC.shape[1] - side_px) // 2, (frames_THWC.shape[2] - side_px) // 2
    square = frames_THWC[:, top : top + side_px, left : left + side_px]
    return np.ascontiguousarray(square.transpose(0, 3, 1, 2))


def _thumbnail_jpeg(picture_HWC: npt.NDArray[np.uint8]) -> bytes:
    height_px, width_px = picture_HWC.shape[:2]
    size = (max(1, round(width_px * THUMBNAIL_HEIGHT_PX / height_px)), THUMBNAIL_HEIGHT_PX)
    buffer = io.BytesIO()
    Image.fromarray(picture_HWC).resize(size, Image.Resampling.BICUBIC).save(
        buffer, "JPEG", quality=THUMBNAIL_JPEG_QUALITY
    )
    return buffer.getvalue()
