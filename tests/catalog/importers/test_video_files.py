"""VideoFiles: which file belongs to an id."""

from __future__ import annotations

from pathlib import Path

import pytest

from narrator_ray.catalog.importers.video_files import VideoFiles
from narrator_ray.errors import StorageError
from narrator_ray.storage.storage import Storage


def folder_with(tmp_path: Path, *names: str) -> str:
    """A folder with empty files."""
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return str(tmp_path)


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        (["a.mp4"], "a", "a.mp4"),
        (["a.MKV"], "a", "a.MKV"),
        (["a.webm"], "a.mp4", "a.webm"),
        (["a.webm", "a.mp4"], "a", "a.mp4"),
        (["a.webm", "a.mp4"], "a.webm", "a.webm"),
        (["part1/a.mp4"], "a.mp4", "part1/a.mp4"),
        (["part1/a.mp4", "a.mp4"], "a", "a.mp4"),
        (["a.b.mp4"], "a.b", "a.b.mp4"),
    ],
)
def test_the_file_of_an_id_is_found(tmp_path: Path, names: list[str], wanted: str, found: str) -> None:
    """By id or by name, with any usual extension, at any depth; the named file is preferred."""
    files = VideoFiles.listed(folder_with(tmp_path, *names))
    assert files.find(wanted) == (f"{tmp_path}/{found}", True)


@pytest.mark.parametrize(("wanted", "expected"), [("b", "b.mp4"), ("b.mov", "b.mov"), ("a.jpg", "a.jpg.mp4")])
def test_a_missing_file_has_the_place_where_it_should_be(tmp_path: Path, wanted: str, expected: str) -> None:
    """Files that are no videos do not count, and what is missing can still be named."""
    files = VideoFiles.listed(folder_with(tmp_path, "a.mp4", "b.jpg", "b.txt"))
    assert files.find(wanted) == (f"{tmp_path}/{expected}", False)


def test_a_folder_without_videos_is_an_error(tmp_path: Path) -> None:
    """A mistyped folder is told at once, not as thousands of missing videos."""
    with pytest.raises(StorageError, match="has no video files"):
        VideoFiles.listed(str(tmp_path / "nowhere"))


def test_unchecked_and_web_folders_are_believed(tmp_path: Path) -> None:
    """Where nobody looks or nobody can, every file counts as there."""
    assert VideoFiles.unchecked(str(tmp_path / "later")).find("a") == (f"{tmp_path}/later/a.mp4", True)
    assert VideoFiles.listed("https://host/v/").find("a.mov") == ("https://host/v/a.mov", True)


def test_objects_below_an_s3_prefix_are_found(s3_root: str) -> None:
    """A URI prefix is a folder."""
    Storage.open(s3_root).write("videos/a.mov", b"")
    files = VideoFiles.listed(f"{s3_root}/videos/")
    assert files.find("a") == (f"{s3_root}/videos/a.mov", True)
    assert files.find("b") == (f"{s3_root}/videos/b.mp4", False)
