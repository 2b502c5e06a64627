"""Columns of a CSV or Parquet catalogue, put together to rows that mean the same as a line of JSONL.

A column is a field (``clips``: JSON text or, in Parquet, a nested value) or a part of one, with dots: ``product.name``,
``product.knowledge``, ``product.knowledge.material``, ``extra.sku``. Parts hold JSON only at ``product.knowledge`` and,
as lists, below it; other parts are taken as they stand. What values mean is not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from narrator_ray.catalog.fields import Unreadable
from narrator_ray.catalog.product_field import PRODUCT_FIELDS
from narrator_ray.catalog.rows import FIELDS, REQUIRED_FIELDS, unknown_field
from narrator_ray.errors import ManifestProblem

_JSON_COLUMNS = frozenset({"product", "product.knowledge", "clips", "storyline", "narrations", "word_ranges", "extra"})
_MAX_PARTS = {"product": 3, "extra": 2}
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def header_problems(columns: Sequence[str]) -> Iterator[ManifestProblem]:
    """Everything wrong with the columns themselves; said once for the file, not once a row."""
    if len(columns) == 1 and re.search(r"[;\t]", columns[0]):
        yield ManifestProblem(None, "", "the header has one column: separate cells with commas")
    for name in dict.fromkeys(columns):
        what = _column_problem(name, columns)
        if what:
            yield ManifestProblem(None, name, what)
    roots = {_path_of(name)[0] for name in columns}
    for name in REQUIRED_FIELDS:
        if name not in roots:
            yield ManifestProblem(None, name, "the column is missing")


def row_of_cells(cells: Mapping[str, object]) -> dict[str, object]:
    """A row from its cells by column: dotted columns nested, JSON parsed, None left out.

    JSON that cannot be parsed becomes an :class:`Unreadable`, which no field accepts.
    """
    row: dict[str, Any] = {}
    for column, cell in cells.items():
        if cell is None:
            continue
        *parents, name = _path_of(column)
        inner = row
        for parent in parents:
            below = inner.setdefault(parent, {})
            inner = below if isinstance(below, dict) else {}
        inner[name] = _value(column, cell)
    return row


def parse_json(text: str) -> object:
    """The value of a JSON text.

    Raises:
        ValueError: It is not JSON, nested too deeply, or holds half of a surrogate pair; the message is for people.
    """
    try:
        value: object = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise ValueError(f"is not JSON: {error.msg} at {line}column {error.colno}") from error
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a surrogate pair (\\ud800 to \\udfff), which is no character") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    return value


def _column_problem(name: str, columns: Sequence[str]) -> str:
    root, *parts = _path_of(name)
    if not name:
        return "a column has no name: remove it or name it"
    if root not in FIELDS:
        return unknown_field(name)
    if root == "product" and parts and parts[0] not in PRODUCT_FIELDS:
        return f"no such column; known are {', '.join(f'product.{part}' for part in PRODUCT_FIELDS)}"
    if columns.count(name) > 1:
        return f"there are {columns.count(name)} columns of this name"
    clash = next((other for other in columns if other.startswith(f"{name}.")), None)
    return "" if clash is None else f"is given twice, as `{name}` and as `{clash}`: keep one"


def _path_of(column: str) -> list[str]:
    root = column.partition(".")[0]
    return column.split(".", _MAX_PARTS[root] - 1) if root in _MAX_PARTS else [column]


def _value(column: str, cell: object) -> object:
    is_points = column.startswith("product.knowledge.") and str(cell).lstrip().startswith("[")
    if not isinstance(cell, str) or not (column in _JSON_COLUMNS or is_points):
        return cell
    try:
        return parse_json(cell)
    except ValueError as error:
        return Unreadable(f"a cell that {error}")
