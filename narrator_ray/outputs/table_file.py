"""A published table on its way to disk: rows come in one after another and are held a group at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from narrator_ray.records import JsonDict

_ROWS_PER_BATCH = 1024
_ROWS_PER_GROUP = 32_768


class TableFile:
    """Writes rows as Parquet and, where asked, as JSON lines beside it.

    Args:
        path: The Parquet file.
        schema: Columns of the rows.
        jsonl: The JSON lines file, or None.
    """

    def __init__(self, path: Path, schema: pa.Schema, jsonl: Path | None = None) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._lines = None if jsonl is None else jsonl.open("wb")
        self._rows: list[JsonDict] = []
        self._batches: list[pa.RecordBatch] = []
        self._num_held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self._pack()
            self._write_group()
        self._writer.close()
        if self._lines is not None:
            self._lines.close()

    def add(self, rows: Iterable[JsonDict]) -> None:
        """Take the next rows; values of columns that the schema does not have are left out."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) >= _ROWS_PER_BATCH:
                self._pack()

    def _pack(self) -> None:
        """Python objects become columns, a hundredth of their size."""
        if not self._rows:
            return
        batch = pa.RecordBatch.from_pylist(self._rows, schema=self._schema)
        self._rows.clear()
        if self._lines is not None:
            self._lines.writelines(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in batch.to_pylist())
        self._batches.append(batch)
        self._num_held += batch.num_rows
        if self._num_held >= _ROWS_PER_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches, schema=self._schema))
        self._batches.clear()
        self._num_held = 0
