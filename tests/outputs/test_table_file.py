"""TableFile: rows in, the same rows out of Parquet and JSON lines, in groups of bounded size."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from narrator_ray.outputs import table_file
from narrator_ray.outputs.table_file import TableFile

SCHEMA = pa.schema([("a", pa.int32()), ("名", pa.list_(pa.string()))])


def rows(count: int) -> list[dict]:
    """Rows with a value that no column takes."""
    return [{"a": number, "名": ["杯", str(number)], "left out": number} for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 24, 25, 103])
def test_rows_come_back(tmp_path, monkeypatch, count):
    """None, one, whole groups and what is left over; both forms hold the same."""
    monkeypatch.setattr(table_file, "_ROWS_PER_BATCH", 5)
    monkeypatch.setattr(table_file, "_ROWS_PER_GROUP", 25)
    path, lines = tmp_path / "t.parquet", tmp_path / "t.jsonl"
    with TableFile(path, SCHEMA, lines) as file:
        file.add(rows(count)[: count // 2])
        file.add(iter(rows(count)[count // 2 :]))
    expected = [{"a": row["a"], "名": row["名"]} for row in rows(count)]
    assert pq.read_table(path).to_pylist() == expected
    assert pq.read_schema(path).equals(SCHEMA)
    assert [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()] == expected
    assert pq.ParquetFile(path).num_row_groups == -(-count // 25)


def test_an_error_on_the_way_is_not_hidden(tmp_path):
    """The block's own error is the one that is raised."""
    with pytest.raises(KeyError), TableFile(tmp_path / "t.parquet", SCHEMA) as file:
        file.add(rows(3))
        raise KeyError
