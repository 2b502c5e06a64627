"""A video file looked at and split into clips, refused before it is decoded where it is larger than it may be."""

from __future__ import annotations

from pathlib import Path

from narrator_ray.config import ClipSettings, FrameSettings
from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.records import Clip
from narrator_ray.video.probe import VideoInfo, probe_video
from narrator_ray.video.shots import check_clips, find_clips


def split_video(
    path: Path, clips: tuple[Clip, ...] | None, clip_settings: ClipSettings, limits: FrameSettings
) -> tuple[VideoInfo, tuple[Clip, ...]]:
    """What a local video file is, and its clips: those of the catalogue, checked, or those between its cuts.

    Raises:
        UnreadableVideo: It cannot be read, or is longer or larger than the limits.
        NoUsableClips: A clip of the catalogue lies outside the video.
    """
    info = probe_video(path, limits.max_pixels)
    _check_length(info, limits)
    if clips is None:
        return info, find_clips(path, info, clip_settings)
    return info, check_clips(clips, info.duration_s)


def _check_length(info: VideoInfo, limits: FrameSettings) -> None:
    if info.duration_s > limits.max_video_s:
        detail = f"the video lasts {info.duration_s:.0f} s and frames.max_video_s is {limits.max_video_s:.0f}"
        raise UnreadableVideo(RejectReason.VIDEO_TOO_LONG, detail)
    num_pictures = info.duration_s * info.fps
    if num_pictures > limits.max_pictures:
        detail = f"the video has about {num_pictures:.0f} pictures and frames.max_pictures is {limits.max_pictures}"
        raise UnreadableVideo(RejectReason.VIDEO_TOO_LONG, detail)
