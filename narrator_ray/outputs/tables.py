"""The published tables: built from results, written as Parquet, JSON lines and CSV, and read back.

Knows nothing of where the bytes are stored. All three forms hold the same rows and columns; Parquet keeps the types and
is the one that is read back.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from narrator_ray.errors import SchemaError
from narrator_ray.records import JsonDict, NarratedVideo, Narration, Rejection, Video
from narrator_ray.schema import NARRATIONS, REJECTED

_ROWS_PER_BATCH = 4096
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def narrations_table(videos: Iterable[tuple[Video, NarratedVideo]], model_fingerprint: str) -> pa.Table:
    """The published result, one row per clip, in the order of the videos.

    Args:
        videos: Manifest row and result of every narrated video. Consumed once and not kept.
        model_fingerprint: Fingerprint of the model that the run used.

    Returns:
        A table with the schema ``NARRATIONS``.
    """
    rows = itertools.chain.from_iterable(
        narration_rows(video, narrated, model_fingerprint) for video, narrated in videos
    )
    return _table(rows, NARRATIONS)


def rejected_table(rejections: Iterable[Rejection]) -> pa.Table:
    """One row per video that could not be narrated, with the schema ``REJECTED``."""
    return _table((rejection.to_json() for rejection in rejections), REJECTED)


def to_parquet_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def to_jsonl_bytes(table: pa.Table) -> bytes:
    """The table as JSON lines in UTF-8: one object per row, columns as keys, non-ASCII text as it is."""
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in iterate_rows(table))


def to_csv_bytes(table: pa.Table) -> bytes:
    """The table as CSV for a spreadsheet: UTF-8 with a byte order mark, which Excel needs to show Chinese.

    Labels are joined with ``+``, other lists are JSON. A text that a spreadsheet would run as a formula gets a leading
    apostrophe, so CSV is for people; read the Parquet or JSON lines form with programs.
    """
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(table.column_names)
    writer.writerows([_csv_cell(name, value) for name, value in row.items()] for row in iterate_rows(table))
    return sink.getvalue().encode("utf-8-sig")


def read_narrations(data: bytes) -> pa.Table:
    """Inverse of :func:`to_parquet_bytes` for a narrations table.

    Raises:
        SchemaError: The bytes are not Parquet, or the columns are not those of ``NARRATIONS``.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise SchemaError(f"narrations table: not a readable Parquet file: {error}") from error
    problems = _schema_problems(table.schema, NARRATIONS)
    if problems:
        raise SchemaError(f"narrations table: {'; '.join(problems)}. Publish the run again with this version.")
    return table.select(NARRATIONS.names).replace_schema_metadata(None)


def iterate_rows(table: pa.Table) -> Iterator[JsonDict]:
    """The rows as plain Python values, of which only one batch exists at a time."""
    for batch in table.to_batches(max_chunksize=_ROWS_PER_BATCH):
        yield from batch.to_pylist()


def narration_rows(video: Video, narrated: NarratedVideo, model_fingerprint: str) -> Iterator[JsonDict]:
    """The rows of one video, one per clip, by the columns of ``NARRATIONS``."""
    common = {
        "num_clips": len(narrated.narrations),
        "language": narrated.language,
        "product_name": narrated.product.name,
        "video": video.uri,
        "decoder": narrated.decoder,
        "notes": list(narrated.notes),
        "model": narrated.model,
        "model_fingerprint": model_fingerprint,
        "key": narrated.key,
        "features_key": narrated.features_key,
        "extra": json.dumps(video.extra, ensure_ascii=False),
    }
    for narration in narrated.narrations:
        yield {"video_id": video.video_id, **_clip_columns(narration), **common}


def _clip_columns(narration: Narration) -> JsonDict:
    return {**narration.to_json(), "is_in_window": narration.is_in_window}


def _table(rows: Iterable[JsonDict], schema: pa.Schema) -> pa.Table:
    """Rows become columns batch by batch, so that no more than one batch exists as Python objects."""
    remaining, batches = iter(rows), []
    while batch := list(itertools.islice(remaining, _ROWS_PER_BATCH)):
        batches.append(pa.RecordBatch.from_pylist(batch, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)


def _csv_cell(column: str, value: Any) -> Any:
    if isinstance(value, list):
        value = "+".join(value) if column == "script_labels" else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _schema_problems(found: pa.Schema, expected: pa.Schema) -> list[str]:
    missing = [name for name in expected.names if name not in found.names]
    mistyped = [
        f"column {field.name} is {found.field(field.name).type}, expected {field.type}"
        for field in expected
        if field.name in found.names and found.field(field.name).type != field.type
    ]
    return ([f"columns are missing: {', '.join(missing)}"] if missing else []) + mistyped
