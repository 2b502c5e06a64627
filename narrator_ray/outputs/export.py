"""Writes a published run into files for other tools: one subtitle file per video, or one table.

Knows the narrations table and local directories; where runs are published is not its concern.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import pyarrow as pa

from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.outputs.subtitles import SubtitleFormat, subtitles
from narrator_ray.outputs.tables import iterate_rows, to_csv_bytes, to_jsonl_bytes
from narrator_ray.records import LANGUAGES, JsonDict, Language, Narration

ExportFormat = Literal["srt", "vtt", "jsonl", "csv"]

_MAX_STEM_BYTES = 120
_RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _VideoText:
    language: Language
    narrations: list[Narration]


def export_run(table: pa.Table, format: ExportFormat, directory: Path) -> list[Path]:
    """Write a run's narrations for other tools. Files of the same name are replaced.

    Args:
        table: A narrations table (schema ``NARRATIONS``).
        format: ``srt`` or ``vtt`` give one subtitle file per video, named after its id; ``jsonl`` or ``csv`` one table.
        directory: Created where it does not exist.

    Returns:
        The files written, subtitles in the order of the table.

    Raises:
        SchemaError: A row holds a label or language that does not exist.
        StorageError: The directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return [_write(directory / name, data) for name, data in _files(table, format)]
    except OSError as error:
        raise StorageError(f"{directory}: cannot be written: {error}. Choose another directory.") from error


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _files(table: pa.Table, format: ExportFormat) -> Iterator[tuple[str, bytes]]:
    if format == "jsonl":
        yield "narrations.jsonl", to_jsonl_bytes(table)
    elif format == "csv":
        yield "narrations.csv", to_csv_bytes(table)
    else:
        yield from _subtitle_files(table, format)


def _subtitle_files(table: pa.Table, format: SubtitleFormat) -> Iterator[tuple[str, bytes]]:
    taken: set[str] = set()
    for video_id, video in _videos(table).items():
        name = f"{_free_stem(video_id, taken)}.{format}"
        yield name, subtitles(video.narrations, video.language, format).encode()


def _videos(table: pa.Table) -> dict[str, _VideoText]:
    videos: dict[str, _VideoText] = {}
    for row in iterate_rows(table.drop_columns(["extra", "notes"])):
        video = videos.setdefault(row["video_id"], _VideoText(_language(row), []))
        try:
            video.narrations.append(Narration.from_json(row))
        except ValueError as error:
            raise SchemaError(f"narrations table, video {row['video_id']}: {error}") from error
    return videos


def _language(row: JsonDict) -> Language:
    if row["language"] not in LANGUAGES:
        raise SchemaError(f"narrations table, video {row['video_id']}: {row['language']!r} is not a known language")
    return cast(Language, row["language"])


def _free_stem(video_id: str, taken: set[str]) -> str:
    """A file name without suffix that no other video has, also where letter case is ignored."""
    stem = _safe_stem(video_id)
    candidate, number = stem, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{stem}-{number}"
    taken.add(candidate.casefold())
    return candidate


def _safe_stem(video_id: str) -> str:
    """The id with everything replaced that is a path, hidden, reserved or too long on any file system."""
    normal = unicodedata.normalize("NFC", video_id)
    stem = re.sub(r"[^\w.-]+", "_", normal).strip("._") or "video"
    stem = stem.encode()[:_MAX_STEM_BYTES].decode(errors="ignore").rstrip(".")
    return f"_{stem}" if _RESERVED_ON_WINDOWS.match(stem) or stem.startswith("-") else stem
