"""An entry of ``all_video_data.json``: ``"<id>.mp4": {p_name, p_info, frames: [{time, label, new_text}], ...}``.

A "frame" there is a clip; ``time`` is its start and end in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import PurePosixPath

from narrator_ray.catalog.fields import Report, is_list, kind_of
from narrator_ray.catalog.importers.clip_times import Span
from narrator_ray.catalog.importers.source_video import SourceClip, SourceVideo
from narrator_ray.catalog.importers.video_files import VIDEO_SUFFIXES
from narrator_ray.records import JsonDict

_FIELDS = ("p_name", "p_info", "frames")
_CLIP_FIELDS = ("time", "label", "new_text")


def read_annotated(key: str, entry: object, report: Report) -> SourceVideo | None:
    """The video of one entry.

    Args:
        key: File name of the video.
        entry: The raw entry.
        report: Takes the problems.
    """
    if not isinstance(entry, Mapping):
        report("", f"expected an object {{p_name, p_info, frames}}, got {kind_of(entry)}")
        return None
    clips, info = entry.get("frames"), entry.get("p_info")
    if not is_list(clips) or not clips:
        report("frames", f"expected a list of clips {{time, label, new_text}}, got {_kind_of_list(clips)}")
        return None
    if not isinstance(info, str | None):
        report("p_info", f"expected text, one category a line, got {kind_of(info)}")
        return None
    read = [_clip(number, clip, report) for number, clip in enumerate(clips, start=1)]
    if None in read:
        return None
    return SourceVideo(
        video_id=_id_of(key),
        file_name=key,
        product_name=entry.get("p_name"),
        product_text=info or "",
        language="zh",
        clips=tuple(clip for clip in read if clip is not None),
        num_clips=len(clips),
        extra={**{name: value for name, value in entry.items() if name not in _FIELDS}, "video_file": key},
        original=_unknown_clip_fields(clips),
    )


def _clip(number: int, clip: object, report: Report) -> SourceClip | None:
    field = f"frames[{number - 1}]"
    if not isinstance(clip, Mapping):
        report(field, f"expected an object {{time, label, new_text}}, got {kind_of(clip)}")
        return None
    times_s = _times_s(clip.get("time"))
    if times_s is None:
        report(f"{field}.time", f"expected [start, end] in seconds, 0 <= start <= end, got {clip.get('time')!r}")
        return None
    return SourceClip(number, times_s, clip.get("new_text"), clip.get("label"))


def _times_s(value: object) -> Span | None:
    if not is_list(value) or len(value) != 2:
        return None
    start_s, end_s = value
    if not (isinstance(start_s, int | float) and isinstance(end_s, int | float)):
        return None
    return (start_s, end_s) if 0 <= start_s <= end_s < math.inf else None


def _unknown_clip_fields(clips: object) -> JsonDict:
    """What clips carry besides the known fields, one object per annotated clip."""
    mappings = [clip for clip in clips if isinstance(clip, Mapping)] if is_list(clips) else []
    unknown = [{name: value for name, value in clip.items() if name not in _CLIP_FIELDS} for clip in mappings]
    return {"clip_fields": unknown} if any(unknown) else {}


def _id_of(key: str) -> str:
    path = PurePosixPath(key)
    return key[: -len(path.suffix)] if path.suffix.lower() in VIDEO_SUFFIXES else key


def _kind_of_list(value: object) -> str:
    return "an empty one" if is_list(value) else kind_of(value)
