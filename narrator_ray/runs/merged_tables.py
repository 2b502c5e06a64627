"""The tables of several runs one after the other, a row group at a time, and what a page shows of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import JsonDict, NarratedVideo, Rejection
from narrator_ray.runs.last_run import REJECTED_FILE, VIDEOS_FILE
from narrator_ray.runs.report import Shown
from narrator_ray.runs.run_tables import NARRATIONS_FILE, NARRATIONS_LINES
from narrator_ray.schema import NARRATIONS, REJECTED, VIDEOS
from narrator_ray.storage.storage import Storage

_SCHEMAS = {NARRATIONS_FILE: NARRATIONS, VIDEOS_FILE: VIDEOS, REJECTED_FILE: REJECTED}


def merge_tables(storage: Storage, runs: Sequence[str], target: Path) -> list[Path]:
    """Append the tables of runs to each other.

    Args:
        storage: The output.
        runs: Folders of the runs, in order.
        target: Folder on local disk for the new files, which have the names of the old ones.

    Returns:
        The new files.

    Raises:
        StorageError: A table cannot be read.
        SchemaError: A table is damaged.
    """
    for name, schema in _SCHEMAS.items():
        with pq.ParquetWriter(target / name, schema, compression="zstd") as writer:
            for run in runs:
                for group in _row_groups(storage, f"{run}/{name}"):
                    writer.write_table(group.select(schema.names).cast(schema))
    with (target / NARRATIONS_LINES).open("wb") as lines:
        for run in runs:
            with storage.opened(f"{run}/{NARRATIONS_LINES}") as file:
                shutil.copyfileobj(file, lines)
    return [target / name for name in (*_SCHEMAS, NARRATIONS_LINES)]


def shown_of(store: ResultStore, tables: Sequence[Path], most: int) -> Shown:
    """The first results and the first rejections of tables on local disk; results that are gone are left out.

    Args:
        store: Where the results are.
        tables: Files, as of :func:`merge_tables`.
        most: How many of either.
    """
    paths = {path.name: path for path in tables}
    first = {row["video_id"]: row for row in _clips_of_first(paths[NARRATIONS_FILE], most)}
    narrated: list[NarratedVideo] = []
    for row in first.values():
        with suppress(StorageError, SchemaError):
            found = store.get_narration(row["key"])
            narrated.append(replace(found, video_id=row["video_id"], uri=row["video"]))
    rejected = map(Rejection.from_json, islice(_rows(paths[REJECTED_FILE], REJECTED.names), most))
    return Shown(narrated, list(rejected))


def _clips_of_first(path: Path, most: int) -> Iterator[JsonDict]:
    """Rows of the first videos."""
    seen: set[str] = set()
    for row in _rows(path, ["video_id", "key", "video"]):
        seen.add(row["video_id"])
        if len(seen) > most:
            return
        yield row


def _rows(path: Path, columns: list[str]) -> Iterator[JsonDict]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=columns):
            yield from batch.to_pylist()


def _row_groups(storage: Storage, path: str) -> Iterator[pa.Table]:
    try:
        with storage.opened(path) as opened:
            file = pq.ParquetFile(opened)
            for place in range(file.num_row_groups):
                yield file.read_row_group(place)
    except pa.ArrowException as error:
        raise SchemaError(f"{storage.path_of(path)}: cannot be read: {error}") from error
