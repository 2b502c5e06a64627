"""read_manifest: three formats with one meaning."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from narrator_ray.catalog.manifest import CatalogSummary, read_manifest, summarize
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel, Video
from tests.catalog.manifest_files import MUG, json_cells, places, problems_of, write_csv, write_jsonl, write_parquet

FULL = {
    "video_id": "cup 杯",
    "video": "s3://bucket/cup.mp4",
    "product": {
        "name": "Cup, 'the' \"best\"",
        "knowledge": [
            {"category": "material", "points": ["glass", "steel"]},
            {"category": "offer", "points": ["-10%"]},
        ],
    },
    "clips": [{"start_s": 0, "end_s": 2.5}, {"start_s": 2.5, "end_s": 7}],
    "storyline": ["sore point", None],
    "narrations": ["Cold\ntea again?", "This cup, it helps."],
    "word_ranges": [[3, 5], [4, 6]],
    "language": "en",
    "adapter": "brand",
    "extra": {"sku": 7, "tags": ["a", None], "price": 1.5},
}
ROWS: list[dict[str, Any]] = [MUG, FULL]


def test_a_full_row_is_read_whole(tmp_path: Path) -> None:
    """Every field of a row arrives in the video."""
    _, video = read_manifest(str(write_jsonl(tmp_path / "c.jsonl", ROWS)))
    assert video == Video(
        video_id="cup 杯",
        uri="s3://bucket/cup.mp4",
        product=Product(
            "Cup, 'the' \"best\"",
            (KnowledgePoint("material", "glass"), KnowledgePoint("material", "steel"), KnowledgePoint("offer", "-10%")),
        ),
        language="en",
        clips=(Clip(0.0, 2.5), Clip(2.5, 7.0)),
        storyline=((ScriptLabel.SORE_POINT,), None),
        narrations=("Cold\ntea again?", "This cup, it helps."),
        word_ranges=((3, 5), (4, 6)),
        adapter="brand",
        extra={"sku": 7, "tags": ["a", None], "price": 1.5},
    )


def test_formats_mean_the_same(tmp_path: Path) -> None:
    """One catalogue in JSONL, CSV and Parquet, with JSON cells or dotted columns or nested, gives equal videos."""
    expected = read_manifest(str(write_jsonl(tmp_path / "a.jsonl", ROWS)))
    columns = [*FULL]
    dotted = ["product.name", "product.knowledge", *(name for name in columns if name != "product")]
    split = [{**row, **{f"product.{name}": value for name, value in row["product"].items()}} for row in ROWS]
    cells = [dict(zip(dotted, json_cells(row, dotted), strict=True)) for row in split]
    nested = {**FULL, "extra": json.dumps(FULL["extra"])}
    mug = {**MUG, "product": {"name": "Mug", "knowledge": [{"category": "", "points": ["keeps warm"]}]}}
    written = [
        write_jsonl(tmp_path / "b.ndjson", ROWS),
        write_csv(tmp_path / "cells.csv", columns, *(json_cells(row, columns) for row in ROWS)),
        write_csv(tmp_path / "dotted.csv", dotted, *([*row.values()] for row in cells)),
        write_parquet(tmp_path / "nested.parquet", [nested, mug]),
        write_parquet(tmp_path / "cells.parquet", [{k: v or None for k, v in row.items()} for row in cells]),
    ]
    read = {path.name: read_manifest(str(path)) for path in written}
    assert read.pop("nested.parquet") == expected[::-1]
    assert read == dict.fromkeys(read, expected)


def test_rows_survive_their_canonical_form(tmp_path: Path) -> None:
    """A video written by to_json is read back equal, categories that come twice included."""
    knowledge = [
        {"category": "a", "points": ["1"]},
        {"category": "b", "points": ["2"]},
        {"category": "a", "points": ["3"]},
    ]
    first = read_manifest(
        str(write_jsonl(tmp_path / "a.jsonl", [FULL, {**MUG, "product": {"name": "M", "knowledge": knowledge}}]))
    )
    again = read_manifest(str(write_jsonl(tmp_path / "b.jsonl", [video.to_json() for video in first])))
    assert again == first
    assert tuple(Video.from_json(video.to_json()) for video in first) == first


@pytest.mark.parametrize(
    "knowledge",
    [
        [{"category": "material", "points": ["glass"]}, {"category": "offer", "points": ["cheap", "now"]}],
        {"material": ["glass"], "offer": ["cheap", "now"]},
        {"material": "glass", "use": None, "offer": ["cheap", "now"]},
    ],
)
def test_knowledge_has_several_forms(tmp_path: Path, knowledge: object) -> None:
    """Groups in a list and an object by category mean the same."""
    (video,) = read_manifest(
        str(write_jsonl(tmp_path / "c.jsonl", [{**MUG, "product": {"name": "Mug", "knowledge": knowledge}}]))
    )
    assert video.product.by_category() == {"material": ["glass"], "offer": ["cheap", "now"]}


def test_knowledge_by_category_in_columns(tmp_path: Path) -> None:
    """A dotted column per category holds one point, or a list of points as JSON; extra columns hold text."""
    header = [
        "video_id",
        "video",
        "product.name",
        "product.knowledge.material",
        "product.knowledge.v1.0 offer",
        "extra.sku",
    ]
    path = write_csv(
        tmp_path / "c.csv",
        header,
        ["a", "a.mp4", "Mug", "glass", '["cheap", "now"]', "007"],
        ["b", "b.mp4", "Cup", "", "", ""],
    )
    first, second = read_manifest(str(path))
    assert first.product.by_category() == {"material": ["glass"], "v1.0 offer": ["cheap", "now"]}
    assert first.extra == {"sku": "007"}
    assert (second.product.knowledge, second.extra) == ((), {})


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ("Call To Action", (ScriptLabel.CALL_TO_ACTION,)),
        ("引导购买", (ScriptLabel.CALL_TO_ACTION,)),
        ("质地/成分/材质+产品功效", (ScriptLabel.INGREDIENT_MATERIAL_TEXTURE, ScriptLabel.PRODUCT_EFFECT)),
        ("sore_point + others", (ScriptLabel.SORE_POINT, ScriptLabel.OTHERS)),
        (["sore point", "others", "sore point"], (ScriptLabel.SORE_POINT, ScriptLabel.OTHERS)),
        (["ingredient, material, texture"], (ScriptLabel.INGREDIENT_MATERIAL_TEXTURE,)),
        (None, None),
    ],
)
def test_label_forms(tmp_path: Path, given: object, labels: object) -> None:
    """Labels come by name in either language or identifier, joined or as a list, or not at all."""
    row = {**MUG, "clips": [[0, 1]], "storyline": [given]}
    (video,) = read_manifest(str(write_jsonl(tmp_path / "c.jsonl", [row])))
    assert video.storyline == (labels,)


def test_clips_as_pairs(tmp_path: Path) -> None:
    """Pairs mean the same as objects."""
    (video,) = read_manifest(str(write_jsonl(tmp_path / "c.jsonl", [{**MUG, "clips": [[0, 1], [1, 2.5]]}])))
    assert video.clips == (Clip(0.0, 1.0), Clip(1.0, 2.5))


@pytest.mark.parametrize(
    ("product", "language"),
    [
        ({"name": "Mug", "knowledge": ["keeps warm"]}, "en"),
        ({"name": "保温杯"}, "zh"),
        ({"name": "Mug X1", "knowledge": {"材质": ["304"]}}, "zh"),
        ({"name": "Mug", "knowledge": ["不锈钢"]}, "zh"),
    ],
)
def test_language_follows_the_product(tmp_path: Path, product: object, language: str) -> None:
    """Chinese characters anywhere in the product make the narration Chinese unless the row says otherwise."""
    rows = [{**MUG, "product": product}, {**MUG, "video_id": "b", "product": product, "language": "en"}]
    found, said = read_manifest(str(write_jsonl(tmp_path / "c.jsonl", rows)))
    assert (found.language, said.language) == (language, "en")


def test_whole_numbers_are_ids(tmp_path: Path) -> None:
    """A number and its text are the same id."""
    path = write_jsonl(tmp_path / "c.jsonl", [{**MUG, "video_id": 12}, {**MUG, "video_id": "12"}])
    assert problems_of(path) == [(2, "video_id", "'12' is the id of row 1 already: ids must be unique")]


def test_byte_order_mark_windows_line_ends_and_blank_lines(tmp_path: Path) -> None:
    """Files as Windows programs save them are read as they are meant; row numbers are those of the lines."""
    rows = [json.dumps(MUG), "", json.dumps({**MUG, "video_id": "b"}), "  "]
    path = tmp_path / "c.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).encode())
    assert [video.video_id for video in read_manifest(str(path))] == ["mug", "b"]
    path.write_bytes("\r\n".join([*rows, "{}"]).encode())
    assert places(path) == [(5, "product"), (5, "video_id"), (5, "video")]
    table = tmp_path / "c.csv"
    table.write_bytes(b"\xef\xbb\xbfvideo_id,video,product.name\r\nmug,mug.mp4,Mug\r\n,,\r\n\r\nb,,Mug\r\n")
    assert places(table) == [(4, "video")]


def test_rows_up_to_a_limit(tmp_path: Path) -> None:
    """Rows beyond the limit are not even looked at."""
    path = write_jsonl(tmp_path / "c.jsonl", [MUG, {**MUG, "video_id": "b"}, {}])
    assert [video.video_id for video in read_manifest(str(path), limit=2)] == ["mug", "b"]


def test_cells_of_any_length(tmp_path: Path) -> None:
    """A cell may be longer than the csv module allows by default, and the default is as it was afterwards."""
    before = csv.field_size_limit()
    points = json.dumps([f"point {index}" for index in range(20_000)])
    path = write_csv(
        tmp_path / "c.csv", ["video_id", "video", "product.name", "product.knowledge"], ["a", "a.mp4", "M", points]
    )
    assert len(read_manifest(str(path))[0].product.knowledge) == 20_000
    assert csv.field_size_limit() == before


def test_values_that_only_parquet_has(tmp_path: Path) -> None:
    """Maps are objects, pandas' own index column is none, and what JSON cannot hold is a problem."""
    rows = {
        "video_id": pa.array([5]),
        "video": pa.array(["a.mp4"]),
        "product.name": pa.array(["Mug"]),
        "product.knowledge": pa.array([[("material", ["glass"])]], pa.map_(pa.string(), pa.list_(pa.string()))),
        "__index_level_0__": pa.array([0]),
    }
    pq.write_table(pa.table(rows), tmp_path / "good.parquet")
    (video,) = read_manifest(str(tmp_path / "good.parquet"))
    assert (video.video_id, video.product.by_category()) == ("5", {"material": ["glass"]})
    pq.write_table(pa.table({**rows, "extra": pa.array([{"since": b"x"}])}), tmp_path / "bad.parquet")
    assert problems_of(tmp_path / "bad.parquet") == [
        (1, "extra.since", "a bytes is not a JSON value: store it as text")
    ]


def test_video_paths_start_at_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths are relative to the manifest, whatever the working directory; the others stay what they are."""
    given = [
        "clips/a b.mp4",
        "../b.mp4",
        "/data/c.mp4",
        "~/d.mp4",
        "file:///data/e%20e.mp4",
        "HTTPS://h/f.mp4?x=1",
        "s3://b/g.mp4",
    ]
    (tmp_path / "in").mkdir()
    write_jsonl(tmp_path / "in" / "c.jsonl", [{**MUG, "video_id": str(i), "video": uri} for i, uri in enumerate(given)])
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "in"
    expected = [
        f"{root}/clips/a b.mp4",
        f"{root}/../b.mp4",
        "/data/c.mp4",
        f"{root}/~/d.mp4",
        "/data/e e.mp4",
        "https://h/f.mp4?x=1",
        "s3://b/g.mp4",
    ]
    assert [video.uri for video in read_manifest("in/c.jsonl")] == expected
    assert [video.uri for video in read_manifest(f"file://{root}/c.jsonl")] == expected


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    """A manifest that cannot be opened is a problem of the file, wherever it should lie."""
    (tmp_path / "folder.csv").mkdir()
    assert problems_of(tmp_path / "none.csv") == [(None, "", "there is no such file: check the path")]
    assert problems_of(tmp_path / "folder.csv") == [(None, "", "it is a folder: name the catalogue file in it")]
    assert problems_of("file://host/c.csv")[0][2].startswith("a file:// URI needs an absolute path")
    assert "nowhere" in problems_of("nowhere://host/c.csv")[0][2]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_manifest_on_s3(s3_root: str, tmp_path: Path, suffix: str) -> None:
    """A manifest in a bucket is read like a local one, and relative videos lie in the bucket beside it."""
    row = {**MUG, "product": {"name": "Mug"}, "video": "../videos/./mug.mp4"}
    local = (write_jsonl if suffix == "jsonl" else write_parquet)(tmp_path / f"c.{suffix}", [row])
    source = f"{s3_root}/in/c.{suffix}"
    with fsspec.open(source, "wb") as file:
        file.write(local.read_bytes())
    (video,) = read_manifest(source)
    assert video.uri == f"{s3_root}/videos/mug.mp4"
    assert problems_of(f"{s3_root}/none.jsonl") == [(None, "", "there is no such file: check the path")]


def test_relative_videos_stay_in_the_bucket(s3_root: str) -> None:
    """A path that climbs out of the bucket is a problem, not another bucket."""
    with fsspec.open(f"{s3_root}/c.jsonl", "wb") as file:
        file.write(json.dumps({**MUG, "video": "../../../other/a.mp4"}).encode())
    ((_, field, message),) = problems_of(f"{s3_root}/c.jsonl")
    assert (field, "leads out of s3://" in message) == ("video", True)


def test_summary_counts(tmp_path: Path) -> None:
    """The summary of a catalogue counts what its rows say."""
    chinese = {**MUG, "video_id": "z", "product": {"name": "杯"}, "clips": [[0, 3593]]}
    videos = read_manifest(str(write_jsonl(tmp_path / "c.jsonl", [*ROWS, chinese])))
    assert summarize(videos) == CatalogSummary(
        num_videos=3,
        num_per_language={"en": 2, "zh": 1},
        num_with_clips=2,
        num_clips=3,
        known_s=3600.0,
        num_knowledge_points=4,
    )
    assert summarize(videos[:1]).known_s is None
