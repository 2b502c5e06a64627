"""read_manifest: everything that can be wrong with a catalogue, all of it at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from narrator_ray.catalog.manifest import read_manifest
from narrator_ray.errors import ManifestError
from tests.catalog.manifest_files import MUG, problems_of, write_csv, write_jsonl


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Problems of all rows are listed with row and field, in row order, and the error says it to people."""
    rows = [MUG, {**MUG, "product": {"name": " "}, "langauge": "en"}, {**MUG, "video_id": "c", "language": "de"}]
    path = write_jsonl(tmp_path / "c.jsonl", rows)
    assert problems_of(path) == [
        (2, "langauge", "no such field; nearest is `language`; put anything that is only handed through under extra"),
        (2, "product.name", "is empty"),
        (2, "video_id", "'mug' is the id of row 1 already: ids must be unique"),
        (3, "language", "'de' is not known: give zh or en, or leave it out"),
    ]
    with pytest.raises(ManifestError, match=r"c\.jsonl: 4 problems\n  row 2, langauge: no such field"):
        read_manifest(str(path))


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"video_id": None}, "video_id", "missing"),
        ({"video_id": 1.5}, "video_id", "whole number"),
        ({"video_id": True}, "video_id", "whole number"),
        ({"video_id": ""}, "video_id", "empty"),
        ({"video_id": "a/b"}, "video_id", "cannot name a file"),
        ({"video_id": ".."}, "video_id", "cannot name a file"),
        ({"video_id": "a\tb"}, "video_id", "cannot name a file"),
        ({"video_id": "杯" * 67}, "video_id", "201 bytes"),
        ({"video": None}, "video", "missing"),
        ({"video": ["a.mp4"]}, "video", "expected text, got a list"),
        ({"video": "ftp://host/a.mp4"}, "video", "ftp:// is not known"),
        ({"video": "s3://bucket"}, "video", "names no file"),
        ({"video": "https:///a.mp4"}, "video", "names no file"),
        ({"video": "https://me:secret@host/a.mp4"}, "video", "password"),
        ({"video": "file://host/a.mp4"}, "video", "file:///"),
        ({"video": "a\0.mp4"}, "video", "control characters"),
        ({"product": None}, "product", "missing"),
        ({"product": "Mug"}, "product", "expected an object"),
        ({"product": {"knowledge": []}}, "product.name", "expected text, got nothing"),
        ({"product": {"name": "M", "price": 3}}, "product.price", "no such field"),
        ({"product": {"name": "M", "knowledge": "warm"}}, "product.knowledge", "a list of texts"),
        ({"product": {"name": "M", "knowledge": ["a", 3]}}, "product.knowledge[1]", "expected text, got a number"),
        ({"product": {"name": "M", "knowledge": {"a": ["b", ""]}}}, "product.knowledge.a[1]", "empty"),
        ({"product": {"name": "M", "knowledge": [{"category": 1}]}}, "product.knowledge[0].category", "expected text"),
        ({"product": {"name": "M", "knowledge": [{"points": [1]}]}}, "product.knowledge[0].points[0]", "expected text"),
        ({"clips": []}, "clips", "leave it out"),
        ({"clips": 3}, "clips", "expected a list"),
        ({"clips": [[0, 1, 2]]}, "clips[0]", "expected"),
        ({"clips": [{"start_s": 0, "end_s": 1, "label": "x"}]}, "clips[0].label", "no such field"),
        ({"clips": [{"start_s": -1, "end_s": 1}]}, "clips[0].start_s", "negative"),
        ({"clips": [[0, "1"]]}, "clips[0].end_s", "expected a number"),
        ({"clips": [[0, float("nan")]]}, "clips[0].end_s", "not a finite number"),
        ({"clips": [[0, 10**400]]}, "clips[0].end_s", "not a finite number"),
        ({"clips": [[0, 1], [2, 2]]}, "clips[1].end_s", "not after"),
        ({"clips": [[0, 2], [1.9, 3]]}, "clips[1].start_s", "overlaps clip 0"),
        ({"clips": [[2, 3], [0, 1]]}, "clips[1].start_s", "starts before clip 0"),
        ({"storyline": ["others"]}, "storyline", "needs clips"),
        ({"narrations": ["x"]}, "narrations", "needs clips"),
        ({"word_ranges": [[1, 2]]}, "word_ranges", "needs clips"),
        ({"clips": [[0, 1]], "storyline": "others"}, "storyline", "one entry per clip"),
        ({"clips": [[0, 1]], "storyline": ["others", None]}, "storyline", "2 entries, but there are 1 clips"),
        ({"clips": [[0, 1]], "storyline": ["产品推介"]}, "storyline[0]", "nearest is `产品推荐`"),
        ({"clips": [[0, 1]], "storyline": ["sore point+"]}, "storyline[0]", "empty"),
        ({"clips": [[0, 1]], "storyline": [[]]}, "storyline[0]", "null"),
        ({"clips": [[0, 1]], "storyline": [7]}, "storyline[0]", "expected a label"),
        ({"clips": [[0, 1]], "narrations": [None]}, "narrations[0]", "expected text, got nothing"),
        ({"clips": [[0, 1]], "word_ranges": [[0, 3]]}, "word_ranges[0]", "1 <= lowest"),
        ({"clips": [[0, 1]], "word_ranges": [[4, 3]]}, "word_ranges[0]", "1 <= lowest"),
        ({"clips": [[0, 1]], "word_ranges": [[1.0, 3]]}, "word_ranges[0]", "two whole numbers, got 1.0 and 3"),
        ({"clips": [[0, 1]], "word_ranges": [3]}, "word_ranges[0]", "expected [lowest, highest]"),
        ({"language": "English"}, "language", "give zh or en"),
        ({"adapter": ""}, "adapter", "empty"),
        ({"extra": []}, "extra", "expected an object"),
        ({"extra": {"a": [{"b": float("inf")}]}}, "extra.a[0].b", "not a JSON value"),
    ],
)
def test_one_problem(tmp_path: Path, change: dict[str, Any], field: str, says: str) -> None:
    """Each thing that can be wrong with a row is one problem, at its field, with a message that helps."""
    ((row, where, message),) = problems_of(write_jsonl(tmp_path / "c.jsonl", [{**MUG, **change}]))
    assert (row, where) == (1, field)
    assert says in message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"video_id": "a"', "is not JSON: Expecting ',' delimiter at column 17"),
        ("[1]", "expected one object a line"),
        ("[" * 100_000, "nested too deeply"),
        (r'{"video_id": "\ud83d"}', "half of a surrogate pair"),
    ],
)
def test_lines_that_are_no_rows(tmp_path: Path, line: str, says: str) -> None:
    """A broken line is a problem of its row and does not hide the next one's."""
    path = tmp_path / "c.jsonl"
    path.write_text(f"{line}\n{{}}\n")
    first, *others = problems_of(path)
    assert first[:2] == (1, "")
    assert says in first[2]
    assert [field for _, field, _ in others] == ["product", "video_id", "video"]


def test_escaped_pairs_are_characters(tmp_path: Path) -> None:
    """A character outside the basic plane may be written as a pair of escapes."""
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps({**MUG, "product": {"name": "Mug \U0001f375"}}))
    assert read_manifest(str(path))[0].product.name == "Mug \U0001f375"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("c.jsonl", b"", "there are no rows"),
        ("c.jsonl", b"\n \r\n", "there are no rows"),
        ("c.csv", b"", "there are no rows"),
        ("c.csv", b"video_id,video,product\n", "there are no rows"),
        ("c.json", b"[]", "the extension '.json' is not known: name it .jsonl, .ndjson, .csv, .parquet"),
        ("c", b"", "the extension '' is not known"),
        ("c.jsonl", '{"a": 1}\n{"video_id": "保"}'.encode("gbk"), "line 2, byte 15 (0xb1) is not UTF-8: save the file"),
        ("c.csv", "video_id,video\né".encode("latin-1"), "line 2, byte 1 (0xe9) is not UTF-8"),
        ("c.jsonl", "{}".encode("utf-16"), "line 1, byte 1 (0xff) is not UTF-8"),
        ("c.parquet", b"video_id,video", "cannot be read as Parquet"),
    ],
)
def test_files_that_are_no_catalogue(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    """What is wrong with the file as a whole is said once, without a row."""
    path = tmp_path / name
    path.write_bytes(data)
    messages = [message for row, field, message in problems_of(path) if row is None and not field]
    assert len(messages) == 1
    assert says in messages[0]


@pytest.mark.parametrize(
    ("header", "field", "says"),
    [
        (["video_id", "video"], "product", "the column is missing"),
        (["video_id", "video", "product", "clip"], "clip", "nearest is `clips`"),
        (["video_id", "video", "product", "video"], "video", "2 columns of this name"),
        (["video_id", "video", "product", "product.name"], "product", "keep one"),
        (["video_id", "video", "product.name", "product.nam"], "product.nam", "known are product.name"),
        (["video_id", "video", "product.name", ""], "", "no name"),
    ],
)
def test_columns_are_checked_once(tmp_path: Path, header: list[str], field: str, says: str) -> None:
    """A problem of a column is one problem, however many rows there are."""
    rows = [[f"{name}{i}" if name != "product" else '{"name": "M"}' for name in header] for i in range(3)]
    found = problems_of(write_csv(tmp_path / "c.csv", header, *rows))
    assert [(row, name) for row, name, _ in found] == [(None, field)]
    assert says in found[0][2]


def test_semicolons_are_explained(tmp_path: Path) -> None:
    """A table saved with semicolons says what to do."""
    path = tmp_path / "c.csv"
    path.write_text("video_id;video;product\na;b;c\n")
    assert (None, "", "the header has one column: separate cells with commas") in problems_of(path)


def test_broken_csv_rows(tmp_path: Path) -> None:
    """Cells that were not quoted, not closed or hold no JSON are problems of their own rows."""
    path = tmp_path / "c.csv"
    path.write_text(
        "video_id,video,product,clips\n"
        'a,a.mp4,{"name": "M", "knowledge": []},\n'
        'b,b.mp4,"{""name"": ""M""}","[[0, 1]"\n'
        'c,c.mp4,"{}"x,\n'
        'd,d.mp4,"{""name"": ""M""}",\n'
        'e,e.mp4,"unclosed\n'
    )
    (_, _, cells), (_, _, clips), (_, _, quotes), (_, _, end) = found = problems_of(path)
    assert [(row, field) for row, field, _ in found] == [(1, ""), (2, "clips"), (3, ""), (5, "")]
    assert "has 5 cells, the header has 4: quote" in cells
    assert "got a cell that is not JSON: Expecting ',' delimiter at column 8" in clips
    assert "is not CSV" in quotes
    assert "is not CSV" in end
