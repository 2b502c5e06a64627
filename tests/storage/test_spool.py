"""Spool: lines go in once and come out as often as asked, and nothing is left on disk."""

import tempfile

import pytest

from narrator_ray.errors import StorageError
from narrator_ray.storage.spool import Spool


def test_lines_come_back_in_order_and_again(tmp_path, monkeypatch):
    """More than a buffer of lines, two readers at once, and a line added between readings; no file has a name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool, lines = Spool(), [f"{number} 杯 " + "x" * 700 for number in range(5000)]
    for line in lines:
        spool.append(line)
    first, second = iter(spool), iter(spool)
    assert [next(first), next(first), next(second)] == [lines[0], lines[1], lines[0]]
    assert list(first) == lines[2:]
    assert list(second) == lines[1:]
    spool.append("last")
    assert list(spool)[-1] == "last"
    assert len(spool) == 5001
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_directory_that_is_not_there_is_named(tmp_path, monkeypatch):
    """The message says what to set."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(StorageError, match="TMPDIR"):
        Spool()
