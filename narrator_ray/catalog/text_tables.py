"""JSONL and CSV to raw rows. Both are UTF-8, with or without byte order mark, with Unix or Windows line ends."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from narrator_ray.catalog.columns import header_problems, parse_json, row_of_cells
from narrator_ray.errors import ManifestProblem

RawRow = tuple[int, Mapping[str, object]]
"""The number of a row, from 1, and its raw values by field."""

_BOM = b"\xef\xbb\xbf"
_QUOTING = "quote a cell that holds commas, quotes or line ends, and write quotes in it twice"


def read_jsonl(file: IO[bytes]) -> Iterator[RawRow | ManifestProblem]:
    """Rows of a JSONL file. A row's number is its line's, blank lines counted."""
    for number, line in enumerate(_text_lines(file), start=1):
        if isinstance(line, ManifestProblem):
            yield line
        elif line.strip():
            yield _json_row(number, line)


def read_csv(file: IO[bytes]) -> Iterator[RawRow | ManifestProblem]:
    """Rows of a CSV file with a header. Empty cells are missing fields; empty rows are skipped but counted."""
    undecodable: list[ManifestProblem] = []
    records = _csv_records(_until_problem(_text_lines(file), undecodable))
    header = next(records, None)
    if isinstance(header, list):
        columns = [name.strip() for name in header]
        yield from header_problems(columns)
        for number, record in enumerate(records, start=1):
            if isinstance(record, str) or any(cell.strip() for cell in record):
                yield _csv_row(number, columns, record)
    elif header is not None:
        yield ManifestProblem(None, "", f"the header {header}")
    yield from undecodable


def _json_row(number: int, line: str) -> RawRow | ManifestProblem:
    try:
        data = parse_json(line.rstrip())
    except ValueError as error:
        return ManifestProblem(number, "", str(error))
    if not isinstance(data, dict):
        return ManifestProblem(number, "", 'expected one object a line, such as {"video_id": "a", ...}')
    return number, data


def _csv_row(number: int, columns: Sequence[str], record: list[str] | str) -> RawRow | ManifestProblem:
    if isinstance(record, str):
        return ManifestProblem(number, "", record)
    if len(record) != len(columns):
        return ManifestProblem(number, "", f"has {len(record)} cells, the header has {len(columns)}: {_QUOTING}")
    return number, row_of_cells(
        {name: cell if cell.strip() else None for name, cell in zip(columns, record, strict=True)}
    )


def _csv_records(lines: Iterator[str]) -> Iterator[list[str] | str]:
    """Records of a CSV file; in place of a broken one, what is wrong with it."""
    reader = csv.reader(lines, strict=True)
    while True:
        limit = csv.field_size_limit(sys.maxsize)  # by default 128 KiB a cell, a setting of the whole process
        try:
            record: list[str] | str = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            record = f"is not CSV: {error}: {_QUOTING}"
        finally:
            csv.field_size_limit(limit)
        yield record


def _text_lines(file: IO[bytes]) -> Iterator[str | ManifestProblem]:
    """Lines with their ends. A line that is not UTF-8 is the last: the whole file is likely in another encoding."""
    for number, line in enumerate(file, start=1):
        try:
            text = line.removeprefix(_BOM if number == 1 else b"").decode()
        except UnicodeDecodeError as error:
            where = f"line {number}, byte {error.start + 1} ({error.object[error.start]:#04x})"
            yield ManifestProblem(None, "", f"{where} is not UTF-8: save the file as UTF-8; reading stopped there")
            return
        yield text


def _until_problem(lines: Iterator[str | ManifestProblem], problems: list[ManifestProblem]) -> Iterator[str]:
    for line in lines:
        if isinstance(line, ManifestProblem):
            problems.append(line)
        else:
            yield line
