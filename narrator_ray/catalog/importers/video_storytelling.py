"""Video Storytelling to a catalogue: English stories of home videos, one text file each.

    vidA.mp4
    00:00 00:04 we all went to the park on a sunny day
    00:04 00:05 the kids ran fast.

The videos sell nothing: as product name, which every row needs, stands the story's name.

Source: released code, get_train_en.py.
"""

from __future__ import annotations

import re

from narrator_ray.catalog.fields import Report
from narrator_ray.catalog.importers.clip_times import Span
from narrator_ray.catalog.importers.imported import CatalogImport, ImportedCatalog, OnMissing
from narrator_ray.catalog.importers.source_video import SourceClip, SourceVideo, row_of
from narrator_ray.errors import StorageError
from narrator_ray.storage.storage import Storage

_SUFFIX = ".txt"
_TIME = r"(?:(\d+):)?(\d+):([0-5]?\d(?:\.\d+)?)"
_LINE = re.compile(rf"{_TIME}\s+{_TIME}(?:\s+(.*))?")


def import_video_storytelling(directory: str, videos: str, on_missing: OnMissing = "keep") -> ImportedCatalog:
    """The stories of a folder of text files, by name. A story's id is its file's name without ``.txt``.

    Args:
        directory: Local folder, ``file://`` or ``s3://`` URI with a ``.txt`` per story; other files are ignored.
        videos: Folder or URI prefix with the video files.
        on_missing: Whether stories without video file are kept, dropped, or not looked for.

    Raises:
        ManifestError: Lines are malformed; every problem of every file is listed.
        StorageError: A folder cannot be listed, or there are no text files.
    """
    storage = Storage.open(directory)
    keys = sorted(key for key in storage.keys() if "/" not in key and key.lower().endswith(_SUFFIX))  # noqa: SIM118
    if not keys:
        raise StorageError(f"{storage.uri}: has no {_SUFFIX} files: name the folder of the stories' text files")
    catalog = CatalogImport(directory, videos, on_missing)
    for number, key in enumerate(keys, start=1):
        report = catalog.reporter(number, key)
        video = _read_story(key[: -len(_SUFFIX)], storage.read(key), report)
        if video is not None:
            catalog.add(number, row_of(video), report)
    return catalog.finish()


def _read_story(story_id: str, data: bytes, report: Report) -> SourceVideo | None:
    try:
        file_name, *lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        report("", f"byte {error.start + 1} is not UTF-8: save the file as UTF-8")
        return None
    except ValueError:
        report("", "is empty: expected the video's file name, then lines such as 00:00 00:04 text")
        return None
    told = [(place, line.strip()) for place, line in enumerate(lines, start=2) if line.strip()]
    clips = [_clip(number, line, f"line {place}", report) for number, (place, line) in enumerate(told, start=1)]
    if not clips:
        report("", "has no clips: expected lines such as 00:00 00:04 text after the video's file name")
    if not clips or None in clips:
        return None
    return SourceVideo(
        video_id=story_id,
        file_name=file_name.strip(),
        product_name=story_id,
        product_text="",
        language="en",
        clips=tuple(clip for clip in clips if clip is not None),
        num_clips=len(clips),
        extra={"video_file": file_name.strip()},
    )


def _clip(number: int, line: str, field: str, report: Report) -> SourceClip | None:
    match = _LINE.fullmatch(line)
    if match is None:
        report(field, f"expected start, end and text, such as 00:00 00:04 text, got {line[:80]!r}")
        return None
    span: Span = (_seconds(*match.group(1, 2, 3)), _seconds(*match.group(4, 5, 6)))
    return SourceClip(number, span, match[7])


def _seconds(hours: str | None, minutes: str, seconds: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
