"""Reading a published run: its tables, and exports of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import StorageError
from narrator_ray.outputs.export import export_run
from narrator_ray.outputs.tables import read_narrations
from narrator_ray.runs.run_folder import latest_run_id, run_path
from narrator_ray.storage import Storage


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One complete run.

    Attributes:
        storage: The output it lies in.
        run_id: Its name.
        narrations: One row per clip, schema NARRATIONS.
        rejected: One row per rejected video, schema REJECTED.
    """

    storage: Storage
    run_id: str
    narrations: pa.Table
    rejected: pa.Table

    def path(self, name: str) -> str:
        """Where a file of the run lies, for people; an empty name is the run's directory."""
        return self.storage.path_of(run_path(self.run_id, name)).rstrip("/")

    def narrations_of(self, video_id: str) -> pa.Table:
        """The clips of one video, in order.

        Raises:
            StorageError: The run has no narrations for that video; says why if it was rejected.
        """
        rows = self.narrations.filter(pc.equal(self.narrations["video_id"], video_id))
        if rows.num_rows:
            return rows
        for row in self.rejected.filter(pc.equal(self.rejected["video_id"], video_id)).to_pylist():
            raise StorageError(f"{video_id} was rejected in {row['stage']}: {row['reason']}: {row['detail']}")
        raise StorageError(f"{video_id}: no such video in run {self.run_id}; `narrator-ray show OUT` lists them")

    def export(self, export_format: Literal["srt", "vtt", "jsonl", "csv", "html"], directory: Path) -> list[Path]:
        """Write the run to a directory: srt or vtt (a file per video), jsonl or csv (one table), html (the report)."""
        if export_format != "html":
            return export_run(self.narrations, export_format, directory)
        directory.mkdir(parents=True, exist_ok=True)
        target = directory / "report.html"
        target.write_bytes(self.storage.read(run_path(self.run_id, "report.html")))
        return [target]


def open_latest(out: str, storage: StorageSettings = DEFAULT_STORAGE) -> PublishedRun:
    """The newest published run of an output.

    Args:
        out: Local path, ``file://`` or ``s3://`` URI.
        storage: How S3 is spoken.

    Raises:
        StorageError: Nothing has been published there.
        SchemaError: What was published cannot be read.
    """
    place = Storage.open(out, storage)
    return open_run(place, latest_run_id(place))


def open_run(place: Storage, run_id: str) -> PublishedRun:
    """A complete run, whether readers follow it or not.

    Raises:
        StorageError: There is no such run.
        SchemaError: Its files cannot be read.
    """
    narrations = read_narrations(place.read(run_path(run_id, "narrations.parquet")))
    rejected = pq.read_table(pa.BufferReader(place.read(run_path(run_id, "rejected.parquet"))))
    return PublishedRun(place, run_id, narrations, rejected)
