"""The process that touches video files: everything that runs a decoder's native code runs here.

Run as a module by ``video.guarded_decoder``. Loads neither torch nor ray.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from narrator_ray.config import ClipSettings, FrameSettings
from narrator_ray.records import Clip
from narrator_ray.video.child_service import serve
from narrator_ray.video.frames import sample_frames
from narrator_ray.video.probe import VideoInfo
from narrator_ray.video.split import split_video

JsonObject = Mapping[str, Any]


def split(
    path: str, clips: list[list[float]] | None, clip_settings: JsonObject, limits: JsonObject
) -> tuple[JsonObject, list[bytes]]:
    """``split_video`` over the wire."""
    given = None if clips is None else tuple(Clip(*times) for times in clips)
    settings = ClipSettings.model_validate(clip_settings), FrameSettings.model_validate(limits)
    info, found = split_video(Path(path), given, *settings)
    return {"info": asdict(info), "clips": [[clip.start_s, clip.end_s] for clip in found]}, []


def sample(
    path: str, info: JsonObject, clips: list[list[float]], fps: float, image_size_px: int, least_fraction: float
) -> tuple[JsonObject, list[bytes]]:
    """``sample_frames`` over the wire: the frames are the first blob, thumbnails follow."""
    given = [Clip(*times) for times in clips]
    sampled = sample_frames(Path(path), VideoInfo(**info), given, fps, image_size_px, least_fraction)
    values = {
        "clip_index": sampled.clip_index_T.tolist(),
        "time_s": sampled.time_s_T.tolist(),
        "decoder": sampled.decoder,
        "notes": list(sampled.notes),
        "clips": [[clip.start_s, clip.end_s] for clip in sampled.clips],
    }
    return values, [sampled.frames_TCHW.tobytes(), *sampled.thumbnails_jpeg]


if __name__ == "__main__":
    serve({"split": split, "sample": sample})
