"""import_video_storytelling: stories as lines of time and text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from narrator_ray.catalog.importers.imported import ImportedCatalog
from narrator_ray.catalog.importers.video_storytelling import import_video_storytelling
from narrator_ray.catalog.manifest import read_manifest
from narrator_ray.catalog.manifest_writer import write_manifest
from narrator_ray.errors import ManifestError, StorageError
from narrator_ray.records import Clip, Product, Video
from tests.catalog.importers.golden import shared_file


def stories(folder: Path, **texts: str | bytes) -> ImportedCatalog:
    """What comes out of text files of these names and contents."""
    for name, text in texts.items():
        (folder / f"{name}.txt").write_bytes(text.encode() if isinstance(text, str) else text)
    return import_video_storytelling(str(folder), "/videos", "unchecked")


def test_a_story_is_imported(tmp_path: Path) -> None:
    """Its file names the video, its lines the clips; texts stay as they are written."""
    text = "\ufeffvidA.mp4\r\n00:00 00:04 we went\tout\r\n\r\n01:02:03 01:02:04.5  Home: tired. \r\n"
    (tmp_path / "notes.md").touch()
    (video,) = stories(tmp_path, story=text).videos
    assert video == Video(
        "story",
        "/videos/vidA.mp4",
        Product("story"),
        "en",
        clips=(Clip(0.0, 4.0), Clip(3723.0, 3724.5)),
        narrations=("we went\tout", "Home: tired."),
        extra={"video_file": "vidA.mp4"},
    )


def test_lines_without_text_are_kept_aside(tmp_path: Path) -> None:
    """A time without text is no reference, but is not forgotten."""
    result = stories(tmp_path, a="v.mp4\n00:00 00:02\n00:02 00:03 x.")
    assert (result.num_unnarrated_clips, result.videos[0].narrations) == (1, ("x.",))
    assert result.videos[0].extra["original"]["clips_without_narration"] == [{"number": 1, "times_s": [0.0, 2.0]}]


def test_released_stories_are_imported(tmp_path: Path) -> None:
    """The stories that the released script was run on, one of them with a clip without length."""
    lines = json.loads(Path(shared_file("golden/pipeline_en/text_files.json")).read_text(encoding="utf-8"))
    result = stories(tmp_path, **{name: "\n".join(text) for name, text in lines.items()})
    assert [video.video_id for video in result.videos] == sorted(lines)
    for video in result.videos:
        file_name, *told = [line for line in lines[video.video_id] if line]
        assert video.uri == f"/videos/{file_name}"
        times = video.extra.get("original", {}).get("times_s", [(clip.start_s, clip.end_s) for clip in video.clips])
        written = [f"{start // 60:02.0f}:{start % 60:02.0f} {end // 60:02.0f}:{end % 60:02.0f}" for start, end in times]
        assert [f"{time} {text}" for time, text in zip(written, video.narrations, strict=True)] == told
    assert result.adjusted == ("story1",)
    write_manifest(result.videos, str(tmp_path / "catalog.csv"))
    assert read_manifest(str(tmp_path / "catalog.csv")) == result.videos


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    """Every malformed line of every file, by line number."""
    with pytest.raises(ManifestError) as caught:
        stories(
            tmp_path,
            a="v.mp4\n00:00 00:04 x\nno time\n00:70 01:20 y",
            b="v.mp4\n",
            c="",
            d=b"v.mp4\n00:00 00:01 caf\xe9",
            e="v.mp4\n00:05 00:04 x",
            f="v.mp4\n00:05 00:09 x\n00:01 00:03 y",
        )
    assert [str(problem).partition(": ")[0] for problem in caught.value.problems] == [
        "row 1, a.txt.line 3",
        "row 1, a.txt.line 4",
        "row 2, b.txt",
        "row 3, c.txt",
        "row 4, d.txt",
        "row 5, e.txt.clips[0].end_s",
        "row 6, f.txt.clips[1].start_s",
    ]


def test_a_folder_without_stories_is_an_error(tmp_path: Path) -> None:
    """A mistyped folder is told as such."""
    with pytest.raises(StorageError, match=r"has no \.txt files"):
        stories(tmp_path / "nowhere")
