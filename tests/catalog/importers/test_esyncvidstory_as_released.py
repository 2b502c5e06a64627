"""The released data set's own files: nothing of them is lost on the way into a catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory
from narrator_ray.catalog.importers.imported import ImportedCatalog
from narrator_ray.catalog.manifest import read_manifest
from narrator_ray.catalog.manifest_writer import write_manifest
from narrator_ray.records import Video
from tests.catalog.importers.golden import shared_file

RELEASED = "data/esyncvidstory/test_first300.json"
ANNOTATED = "golden/metrics/all_video_data.json"


def released() -> tuple[list[dict[str, Any]], ImportedCatalog]:
    """The released entries and what is imported from them."""
    file = shared_file(RELEASED)
    return json.loads(Path(file).read_text(encoding="utf-8")), import_esyncvidstory(file, "/videos", "unchecked")


def rendered(video: Video) -> str:
    """The released prompt, written anew from a video's fields alone."""
    lines = ["商品信息：", f"名称：{video.product.name}"]
    lines += [f"{category}：{'、'.join(points)}" for category, points in video.product.by_category().items()]
    lines += ["", "广告视频："]
    rows = zip(video.word_ranges, video.storyline, video.narrations, strict=True)
    for number, ((low, high), labels, text) in enumerate(rows, start=1):
        lines += [f"镜头{number}/{len(video.clips)}：", "场景：<vid_start><vid_end>", f"字数要求：{low}-{high}个字"]
        lines += [f"剧本类型：{'+'.join(label.name_in('zh') for label in labels)}", f"{number}.{text}"]
    return "\n".join(lines)


def image_names(video: Video) -> list[list[str]]:
    """The frames that the released code takes of every clip, at one a second."""
    times = video.extra.get("original", {}).get("times_s", [(clip.start_s, clip.end_s) for clip in video.clips])
    return [[f"{video.video_id}_{n:03d}.jpg" for n in range(int(start) + 1, int(end) + 1)] for start, end in times]


def test_every_released_prompt_can_be_written_anew() -> None:
    """Product, label sets, windows and texts of all 300 videos are byte for byte what was released."""
    entries, result = released()
    assert len(result.videos) == 300
    assert [rendered(video) for video in result.videos] == [entry["inputs"] for entry in entries]
    assert [video.video_id for video in result.videos] == [entry["id"] for entry in entries]


def test_cuts_and_feature_files_follow_from_the_clips() -> None:
    """Frame names, feature names and product lines follow from the fields; nothing else was in the entries."""
    entries, result = released()
    for entry, video in zip(entries, result.videos, strict=True):
        assert image_names(video) == entry["images"]
        assert [f"{video.video_id}_{index}.pkl" for index in range(len(video.clips))] == entry["frames"]
        assert rendered(video).partition("\n\n")[0].endswith(entry["p_info"])
        assert set(entry) == {"inputs", "id", "frames", "images", "p_info"}
        assert set(video.extra) <= {"original"}


def test_only_the_overlapping_video_is_adjusted() -> None:
    """One of the 300 has overlapping clips; its own times are kept beside the parted ones."""
    _, result = released()
    (adjusted,) = [video for video in result.videos if video.extra]
    assert result.adjusted == (adjusted.video_id,)
    assert adjusted.extra["original"] == {"times_s": [[0, 5], [5, 20], [9, 20], [20, 21]]}
    assert [clip.end_s for clip in adjusted.clips] == [5.0, 9.0, 20.0, 21.0]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_the_released_videos_survive_every_catalogue_format(tmp_path: Path, suffix: str) -> None:
    """Written and read back, all 300 are equal."""
    _, result = released()
    write_manifest(result.videos, str(tmp_path / f"catalog{suffix}"))
    assert read_manifest(str(tmp_path / f"catalog{suffix}")) == result.videos


def test_both_formats_tell_the_same_of_a_video() -> None:
    """Times in seconds and times from frame numbers agree, and so do labels, texts and knowledge."""
    _, result = released()
    by_id = {video.video_id: video for video in result.videos}
    annotated = import_esyncvidstory(shared_file(ANNOTATED), "/videos", "unchecked")
    both = [(video, by_id[video.video_id]) for video in annotated.videos if video.video_id in by_id]
    assert len(both) == 40
    for video, prompted in both:
        assert video.clips == prompted.clips
        assert video.storyline == prompted.storyline
        assert video.narrations == prompted.narrations
        assert video.product.knowledge == prompted.product.knowledge


def test_the_released_scripts_output_is_imported() -> None:
    """What the released scripts wrote for made-up videos is read as what they were given."""
    file = shared_file("golden/pipeline_ch/all_video_data.json")
    given = {video.video_id: video for video in import_esyncvidstory(file, "/videos", "unchecked").videos}
    (written,) = import_esyncvidstory(shared_file("golden/pipeline_ch/test.json"), "/videos", "unchecked").videos
    source = given[written.video_id]
    assert (written.clips, written.storyline, written.narrations) == (source.clips, source.storyline, source.narrations)
    assert (written.product, written.extra) == (source.product, {"link": ""})
