"""A catalogue file to videos, or every problem of every row at once. Looks at no video.

read_manifest("catalog.jsonl")        # .jsonl, .ndjson, .csv and .parquet mean the same
read_manifest("s3://bucket/catalog.parquet", limit=100)
open_catalog("catalog.jsonl")         # the same for a million rows: they stay on disk
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from narrator_ray.catalog.catalog import Catalog
from narrator_ray.catalog.parquet_table import read_parquet
from narrator_ray.catalog.rows import read_row
from narrator_ray.catalog.shard import WHOLE, Shard
from narrator_ray.catalog.text_tables import RawRow, read_csv, read_jsonl
from narrator_ray.catalog.unique_ids import SeenIds
from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import ManifestError, ManifestProblem
from narrator_ray.records import Language, Video
from narrator_ray.storage.filesystems import filesystem_of, os_errors, path_of_file_uri, scheme_of
from narrator_ray.storage.remote_file import open_remote

_READERS: dict[str, Callable[[IO[bytes]], Iterator[RawRow | ManifestProblem]]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".csv": read_csv,
    ".parquet": read_parquet,
}


@dataclass(frozen=True, slots=True)
class CatalogSummary:
    """What is known of a catalogue without opening a video.

    Attributes:
        num_videos: Rows.
        num_per_language: Rows of each language that occurs.
        num_with_clips: Rows that give their clips.
        num_clips: Clips given.
        known_s: Length of the given clips in seconds; None if no row gives any.
        num_knowledge_points: Facts about products, summed over rows.
    """

    num_videos: int
    num_per_language: dict[Language, int]
    num_with_clips: int
    num_clips: int
    known_s: float | None
    num_knowledge_points: int


def read_manifest(
    source: str, limit: int | None = None, storage: StorageSettings = DEFAULT_STORAGE
) -> tuple[Video, ...]:
    """The videos of a catalogue, in its order, all in memory.

    Raises:
        ManifestError: As :func:`open_catalog`.
    """
    videos: list[Video] = []
    _read_rows(source, limit, storage, videos.append)
    return tuple(videos)


def open_catalog(
    source: str, limit: int | None = None, storage: StorageSettings = DEFAULT_STORAGE, shard: Shard = WHOLE
) -> Catalog:
    """The videos of a catalogue, in its order, on local disk.

    Args:
        source: Local path or any URI that fsspec opens. Relative video paths are relative to its folder.
        limit: Read only this many rows.
        storage: How S3 is spoken.
        shard: Which of these rows it has. All are checked, so that every shard of a bad catalogue says the same.

    Raises:
        ManifestError: The file cannot be read or rows have problems; every problem of every row read is listed.
    """
    catalog = Catalog(shard)
    _read_rows(source, limit, storage, catalog.add)
    return catalog


def _read_rows(source: str, limit: int | None, storage: StorageSettings, take: Callable[[Video], None]) -> None:
    place = _local_path(source) if scheme_of(source) == "file" else source
    checked = _CheckedRows(_folder_of(place), take)
    suffix = PurePosixPath(source).suffix.lower()
    if suffix not in _READERS:
        message = f"the extension {suffix!r} is not known: name it {', '.join(_READERS)} after what is inside"
        raise ManifestError(source, [ManifestProblem(None, "", message)])
    rows = partial(_raw_rows, partial(_opened, place, storage), _READERS[suffix], limit)
    try:
        for item in rows():
            checked.add(item)
        checked.compare_ids(rows)
    except OSError as error:
        checked.report_file(_advice(error))
    if not checked.num_rows and not checked.problems:
        checked.report_file("there are no rows: give one row per video")
    if checked.problems:
        raise ManifestError(source, checked.problems)


def _raw_rows(
    opened: Callable[[], AbstractContextManager[IO[bytes]]],
    read: Callable[[IO[bytes]], Iterator[RawRow | ManifestProblem]],
    limit: int | None,
) -> Iterator[RawRow | ManifestProblem]:
    """Rows and problems of a file, until there were as many rows as asked for."""
    num_rows = 0
    with opened() as file:
        for item in read(file):
            yield item
            num_rows += not (isinstance(item, ManifestProblem) and item.row is None)
            if limit is not None and num_rows >= limit:
                return


def summarize(videos: Iterable[Video]) -> CatalogSummary:
    """Counts over the rows of a catalogue."""
    languages: Counter[Language] = Counter()
    num_with_clips = num_clips = num_knowledge_points = 0
    known_s = 0.0
    for video in videos:
        languages[video.language] += 1
        num_with_clips += video.clips is not None
        num_clips += len(video.clips or ())
        known_s += sum(clip.duration_s for clip in video.clips or ())
        num_knowledge_points += len(video.product.knowledge)
    return CatalogSummary(
        num_videos=languages.total(),
        num_per_language=dict(languages),
        num_with_clips=num_with_clips,
        num_clips=num_clips,
        known_s=known_s if num_clips else None,
        num_knowledge_points=num_knowledge_points,
    )


class _CheckedRows:
    """Rows checked one after another, with what only shows across rows: duplicate ids, problems of whole columns."""

    def __init__(self, base: str, take: Callable[[Video], None]) -> None:
        self.num_rows = 0
        self._take = take
        self._found: list[tuple[int, ManifestProblem]] = []
        self._base = base
        self._ids = SeenIds()
        self._broken_columns: set[str] = set()

    @property
    def problems(self) -> list[ManifestProblem]:
        """Every problem, in the order of rows; what concerns the file stands where it was met."""
        return [problem for _, problem in sorted(self._found, key=lambda found: found[0])]

    def add(self, item: RawRow | ManifestProblem) -> None:
        """Take the next row, or the next problem of a row or of the file."""
        if isinstance(item, ManifestProblem):
            if item.row is None:
                self._broken_columns.add(item.field)
            else:
                self.num_rows += 1
            self._found.append((self.num_rows, item))
            return
        row, data = item
        self.num_rows += 1
        num_problems = len(self._found)
        video = read_row(data, self._base, lambda field, message: self._report(self.num_rows, row, field, message))
        raw_id = data.get("video_id")
        if isinstance(raw_id, str | int):
            self._ids.add(self.num_rows, str(raw_id))
        if video is not None and len(self._found) == num_problems:
            self._take(video)

    def compare_ids(self, rows: Callable[[], Iterator[RawRow | ManifestProblem]]) -> None:
        """Report ids that an earlier row has. Only where there may be some are the rows read once more."""
        suspects = self._ids.suspects()
        if not suspects:
            return
        first_rows: dict[str, int] = {}
        items = (item for item in rows() if not (isinstance(item, ManifestProblem) and item.row is None))
        for place, item in enumerate(items, start=1):
            if place not in suspects or isinstance(item, ManifestProblem):
                continue
            row, raw_id = item[0], item[1].get("video_id")
            first = first_rows.setdefault(str(raw_id), row)
            if first != row:
                message = f"{raw_id!r} is the id of row {first} already: ids must be unique"
                self._report(place, row, "video_id", message)

    def report_file(self, message: str) -> None:
        """Report a problem of the file as a whole."""
        self._found.append((self.num_rows, ManifestProblem(None, "", message)))

    def _report(self, place: int, row: int, field: str, message: str) -> None:
        if field not in self._broken_columns:
            self._found.append((place, ManifestProblem(row, field, message)))


@contextmanager
def _opened(place: str, storage: StorageSettings) -> Iterator[IO[bytes]]:
    scheme = scheme_of(place)
    if scheme in ("", "s3"):
        with open_remote(place, storage) if scheme else Path(place).open("rb") as file:
            yield file
        return
    try:
        filesystem = filesystem_of(scheme, storage)
    except (ValueError, ImportError) as error:
        raise OSError(str(error)) from error
    with os_errors(storage), filesystem.open(place, "rb") as other:
        yield other


def _local_path(source: str) -> str:
    try:
        return path_of_file_uri(source)
    except ValueError as error:
        raise ManifestError(source, [ManifestProblem(None, "", str(error))]) from error


def _folder_of(place: str) -> str:
    return place.rpartition("/")[0] if scheme_of(place) else str(Path(place).absolute().parent)


def _advice(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file: check the path"
    if isinstance(error, IsADirectoryError):
        return "it is a folder: name the catalogue file in it"
    if isinstance(error, PermissionError):
        return f"permission denied: {error.strerror or error}"
    return f"cannot be read: {error.strerror or error}"
