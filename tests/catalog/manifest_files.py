"""Manifests written for tests, and what is found wrong with them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from narrator_ray.catalog.manifest import read_manifest
from narrator_ray.errors import ManifestError

MUG = {"video_id": "mug", "video": "mug.mp4", "product": {"name": "Mug", "knowledge": ["keeps warm"]}}
"""The least a row says, and one fact."""


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_csv(path: Path, header: list[str], *records: list[str]) -> Path:
    """Write a header and records as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *records])
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as nested Parquet."""
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def json_cells(row: dict[str, Any], columns: list[str]) -> list[str]:
    """The cells of a row: text as it is, everything else as JSON, nothing as nothing."""
    values = (row.get(column) for column in columns)
    return [
        "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for value in values
    ]


def problems_of(source: Path | str) -> list[tuple[int | None, str, str]]:
    """Row, field and message of every problem of a manifest that must have some."""
    with pytest.raises(ManifestError) as caught:
        read_manifest(str(source))
    return [(problem.row, problem.field, problem.message) for problem in caught.value.problems]


def places(source: Path | str) -> list[tuple[int | None, str]]:
    """Row and field of every problem."""
    return [(row, field) for row, field, _ in problems_of(source)]
