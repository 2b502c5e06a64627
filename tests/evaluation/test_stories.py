"""Narrations meet their references, clip by clip."""

import pytest

from narrator_ray.errors import MetricError
from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.evaluation.stories import join
from narrator_ray.records import Clip, Product, Video
from tests.evaluation.mugs import OUTPUT, stories


def test_clips_that_annotators_left_out_keep_their_numbers(tmp_path):
    """The second clip of the red mug has no narration: the third is still clip 2 of the released file."""
    red = stories(tmp_path)[0]
    assert [(clip.key, clip.reference) for clip in red.clips] == [
        ("red_0", "红色的杯子真好看。"),
        ("red_2", "保温两个小时。"),
    ]
    assert red.clips[1].clip == Clip(5, 8)


def test_stories_follow_the_source_and_lack_no_clip(tmp_path):
    """A clip that the source does not list is there without narration."""
    output = {"blue_1": OUTPUT["blue_1"], "red_0": OUTPUT["red_0"]}
    blue, red = stories(tmp_path, output)
    assert [clip.is_listed for clip in blue.clips] == [False, True]
    assert [clip.narration for clip in red.clips] == ["红色的杯子真好看。", None]


def test_videos_of_one_side_only_are_counted():
    """They are not judged."""
    videos = [Video(name, f"{name}.mp4", Product(name), "en") for name in ("a", "b", "c")]
    narrated = [NarratedClip(name, 0, "Red.", None, Clip(0, 2)) for name in ("a", "x")]
    joined = join(narrated, videos)
    assert [story.video.video_id for story in joined.stories] == ["a"]
    assert (joined.num_without_narration, joined.num_without_reference) == (2, 1)
    assert joined.stories[0].clips[0].reference is None
    with pytest.raises(MetricError, match="no video in common"):
        join(narrated[1:], videos)
