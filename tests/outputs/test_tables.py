"""The published tables and their three forms."""

import csv
import io
import json

import pyarrow as pa
import pytest

from narrator_ray.errors import RejectReason, SchemaError
from narrator_ray.outputs.tables import (
    iterate_rows,
    narrations_table,
    read_narrations,
    rejected_table,
    to_csv_bytes,
    to_jsonl_bytes,
    to_parquet_bytes,
)
from narrator_ray.records import Rejection
from narrator_ray.schema import NARRATIONS, REJECTED
from tests.outputs.samples import narrated_video, row_of


def table_of(*results):
    """The table of those results."""
    return narrations_table(((row_of(result), result) for result in results), "fp-1")


def csv_rows(table):
    """Rows as a spreadsheet program sees them."""
    return list(csv.DictReader(io.StringIO(to_csv_bytes(table).decode("utf-8-sig"))))


def test_one_row_per_clip():
    """A video with two clips gives two rows that carry the video's columns both."""
    rows = table_of(narrated_video(texts=("Cold.", "Steel."))).to_pylist()
    assert [(row["video_id"], row["clip_index"], row["num_clips"], row["narration"]) for row in rows] == [
        ("shop-1", 0, 2, "Cold."),
        ("shop-1", 1, 2, "Steel."),
    ]
    assert rows[1]["start_s"] == 4.0
    assert rows[0]["script_labels"] == ["product_effect"]
    assert rows[0]["is_in_window"] is True
    assert rows[0]["model_fingerprint"] == "fp-1"
    assert json.loads(rows[0]["extra"]) == {"sku": "7", "名": "杯"}


def test_schema_is_the_published_one():
    """Full and empty tables both have exactly the published schema."""
    assert table_of(narrated_video()).schema.equals(NARRATIONS)
    assert table_of().schema.equals(NARRATIONS)
    assert rejected_table([]).schema.equals(REJECTED)


def test_many_rows_are_built_in_batches():
    """A table larger than a batch keeps every row in order."""
    results = (narrated_video(f"v{number}", ("a", "b")) for number in range(3000))
    table = narrations_table(((row_of(result), result) for result in results), "fp")
    assert table.num_rows == 6000
    assert [row["video_id"] for row in iterate_rows(table)][::2] == [f"v{number}" for number in range(3000)]


def test_catalogue_id_wins_over_stored_id():
    """Two rows that share one stored result appear under their own ids."""
    result = narrated_video("stored")
    assert narrations_table([(row_of(result, video_id="mine"), result)], "fp").to_pylist()[0]["video_id"] == "mine"


def test_rejected_rows():
    """A rejection keeps stage, reason and detail."""
    rejection = Rejection("v", "/v.mp4", "sample_frames", RejectReason.VIDEO_EMPTY, "empty file")
    assert rejected_table([rejection]).to_pylist() == [rejection.to_json()]


def test_parquet_round_trip():
    """What is written as Parquet reads back equal."""
    table = table_of(narrated_video(texts=("保湿", "🧴")))
    assert read_narrations(to_parquet_bytes(table)).equals(table)


def test_reading_something_else_is_a_schema_error():
    """Bytes that are not Parquet are refused with a reason."""
    with pytest.raises(SchemaError, match="not a readable Parquet"):
        read_narrations(b"hello")


def test_reading_another_table_names_the_columns():
    """Missing and mistyped columns are all named."""
    table = pa.table({"video_id": ["v"], "clip_index": ["0"]})
    with pytest.raises(SchemaError, match=r"missing: num_clips.*clip_index is string, expected int32"):
        read_narrations(to_parquet_bytes(table))


def test_jsonl_is_one_unescaped_object_a_line():
    """Chinese stays readable, and line breaks inside a text do not break the line."""
    data = to_jsonl_bytes(table_of(narrated_video(texts=("保湿\n锁水", "two"))))
    lines = data.decode().splitlines()
    assert [json.loads(line)["narration"] for line in lines] == ["保湿\n锁水", "two"]
    assert "保湿" in lines[0]


def test_csv_lists_are_readable():
    """Labels are joined with a plus sign and other lists are JSON; the numbers stay plain."""
    [row] = csv_rows(table_of(narrated_video()))
    assert (row["script_labels"], row["notes"], row["kept_frames_s"]) == ("product_effect", '["one note"]', "[0.0]")
    assert (row["start_s"], row["num_words"]) == ("0.0", "4")


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1+1", "-2", "@SUM(A1)", "\t=1", "  =1", "＝1"])
def test_csv_texts_are_not_formulas(text):
    """A spreadsheet shows a text that looks like a formula instead of running it."""
    [row] = csv_rows(table_of(narrated_video(texts=(text,))))
    assert row["narration"] == f"'{text}"


def test_csv_opens_in_excel():
    """The file starts with the byte order mark by which Excel knows UTF-8."""
    assert to_csv_bytes(table_of()).startswith(b"\xef\xbb\xbfvideo_id,")
