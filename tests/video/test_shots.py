"""Clips: found at the cuts of a video, arranged to allowed lengths, or given by the catalogue and checked."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrator_ray.config import ClipSettings
from narrator_ray.errors import NoUsableClips, RejectReason
from narrator_ray.records import Clip
from narrator_ray.video.probe import probe_video
from narrator_ray.video.shots import arrange_clips, check_clips, find_clips
from tests.video_files import LONG_S, LONG_SCENE_S, write_video

SETTINGS = ClipSettings(min_clip_s=1.5, max_clip_s=12.0)
lengths = st.floats(0.01, 600, allow_nan=False)
any_settings = st.tuples(st.floats(0.1, 5), st.floats(2, 6)).map(
    lambda drawn: ClipSettings(min_clip_s=drawn[0], max_clip_s=drawn[0] * drawn[1])
)


def _borders_s(clips: tuple[Clip, ...]) -> list[float]:
    return [clips[0].start_s, *(clip.end_s for clip in clips)]


@given(cuts_s=st.lists(st.floats(-5, 700), max_size=60), duration_s=lengths, settings=any_settings)
def test_every_second_lies_in_one_clip(cuts_s: list[float], duration_s: float, settings: ClipSettings) -> None:
    """Clips follow each other without gap or overlap from zero to the end, whatever was detected."""
    clips = arrange_clips(cuts_s, duration_s, settings)
    assert (clips[0].start_s, clips[-1].end_s) == (0.0, duration_s)
    assert all(before.end_s == after.start_s for before, after in pairwise(clips))


@given(cuts_s=st.lists(st.floats(-5, 700), max_size=60), duration_s=lengths, settings=any_settings)
def test_lengths_are_kept(cuts_s: list[float], duration_s: float, settings: ClipSettings) -> None:
    """No clip is longer than the longest, and none shorter than the shortest unless the whole video is."""
    clips = arrange_clips(cuts_s, duration_s, settings)
    assert all(clip.duration_s <= settings.max_clip_s + 1e-5 for clip in clips)
    if len(clips) > 1:
        assert all(clip.duration_s >= settings.min_clip_s - 1e-5 for clip in clips)


@pytest.mark.parametrize(
    ("cuts_s", "duration_s", "expected_s"),
    [
        ([], 5.0, [0, 5]),
        ([3.0, 7.0], 10.0, [0, 3, 7, 10]),
        ([7.0, 3.0], 10.0, [0, 3, 7, 10]),
        ([], 30.0, [0, 10, 20, 30]),
        ([], 24.0, [0, 12, 24]),
        ([5.0, 5.5], 10.0, [0, 5, 10]),
        ([0.5], 10.0, [0, 10]),
        ([9.0], 10.0, [0, 10]),
        ([0.4], 1.0, [0, 1]),
        ([4.0], 30.0, [0, 4, 12.666667, 21.333333, 30]),
    ],
)
def test_arranging(cuts_s: list[float], duration_s: float, expected_s: list[float]) -> None:
    """Short shots join a neighbour, long ones are cut into the fewest even parts."""
    assert _borders_s(arrange_clips(cuts_s, duration_s, SETTINGS)) == pytest.approx(expected_s)


@pytest.mark.parametrize("kind", ["mp4", "webm_vp9", "mov_hevc", "av1", "rotated", "cover_art", "transport_stream"])
def test_cuts_are_found_in_every_codec(good_videos: dict[str, Path], kind: str) -> None:
    """Three scenes of two seconds are three clips."""
    path = good_videos[kind]
    assert _borders_s(find_clips(path, probe_video(path), SETTINGS)) == pytest.approx([0, 2, 4, 6], abs=0.01)


def test_cuts_of_variable_frame_rate_go_by_time(good_videos: dict[str, Path]) -> None:
    """A cut is where the first picture of the scene is shown, not its number divided by the rate."""
    info = probe_video(good_videos["vfr"])
    clips = find_clips(good_videos["vfr"], info, SETTINGS)
    assert _borders_s(clips) == pytest.approx([0, 2.04, 4.2, info.duration_s], abs=0.01)


def test_a_long_video_has_all_its_shots(good_videos: dict[str, Path]) -> None:
    """Four minutes of ten-second scenes are twenty-four clips."""
    path = good_videos["four_minutes"]
    clips = find_clips(path, probe_video(path), SETTINGS)
    assert _borders_s(clips) == pytest.approx([n * LONG_SCENE_S for n in range(int(LONG_S / LONG_SCENE_S) + 1)])


def test_a_video_of_one_picture_is_one_clip(good_videos: dict[str, Path]) -> None:
    """A video shorter than the shortest clip is a clip."""
    info = probe_video(good_videos["one_frame"])
    assert find_clips(good_videos["one_frame"], info, SETTINGS) == (Clip(0.0, info.duration_s),)


def test_the_threshold_decides_what_a_cut_is(tmp_path: Path) -> None:
    """With a threshold that no change reaches, the video is one shot."""
    path = write_video(tmp_path / "video.mp4")
    settings = ClipSettings(detector_threshold=250.0)
    assert len(find_clips(path, probe_video(path), settings)) == 1


def test_a_file_that_breaks_off_is_left_to_the_decoding_of_its_frames(
    broken_videos: dict[str, tuple[Path, RejectReason]],
) -> None:
    """Clips still cover the stated length, so that the decoders are asked for all of it and tell where it ends."""
    path, _ = broken_videos["second_half_missing"]
    info = probe_video(path)
    assert _borders_s(find_clips(path, info, SETTINGS))[-1] == info.duration_s


def test_given_clips_are_kept() -> None:
    """Clips inside the video come back as they are, gaps included."""
    clips = (Clip(0, 2), Clip(3, 5.5))
    assert check_clips(clips, 6.0) == clips


def test_an_end_a_little_beyond_the_video_is_moved() -> None:
    """Cut lists are rounded: up to a second too much is taken back."""
    assert check_clips((Clip(0, 2), Clip(2, 6.0)), 5.4) == (Clip(0, 2), Clip(2, 5.4))


@pytest.mark.parametrize("clip", [Clip(4, 8.0), Clip(6.0, 6.5), Clip(7, 9)])
def test_a_clip_outside_the_video_is_rejected(clip: Clip) -> None:
    """The detail names the clip, its times and the length of the video."""
    with pytest.raises(
        NoUsableClips, match=rf"clip 2 of 2 is {clip.start_s:g} to {clip.end_s:g} s.* 6\.00 s"
    ) as caught:
        check_clips((Clip(0, 2), clip), 6.0)
    assert caught.value.reason is RejectReason.CLIPS_OUTSIDE_VIDEO
