"""What probing says of good files and why it rejects the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.video.probe import VideoInfo, probe_video
from tests.video_files import DURATION_S, FPS, LONG_S, write_video

CODECS = {"webm_vp9": "vp9", "mov_hevc": "hevc", "av1": "av1"}
SIX_SECONDS = ["mp4", "webm_vp9", "mov_hevc", "av1", "no_extension", "non_ascii", "cover_art", "longer_audio"]


@pytest.mark.parametrize("kind", SIX_SECONDS)
def test_facts_of_a_good_video(good_videos: dict[str, Path], kind: str) -> None:
    """Length, displayed size, rate and codec are right whatever the container, the codec and the name."""
    info = probe_video(good_videos[kind])
    assert info.duration_s == pytest.approx(DURATION_S, abs=0.01)
    assert (info.width_px, info.height_px, info.fps, info.rotation_deg) == (160, 120, FPS, 0)
    assert info.codec == CODECS.get(kind, "vp9" if kind == "longer_audio" else "h264")


def test_a_rotated_video_has_its_displayed_size(good_videos: dict[str, Path]) -> None:
    """A phone video held upright is stored lying and displayed standing."""
    info = probe_video(good_videos["rotated"])
    assert (info.width_px, info.height_px, info.rotation_deg) == (120, 160, 90)


def test_one_picture_lasts_as_long_as_a_picture(good_videos: dict[str, Path]) -> None:
    """A video of a single picture has a length above zero."""
    assert probe_video(good_videos["one_frame"]).duration_s == pytest.approx(1 / FPS)


def test_a_long_video(good_videos: dict[str, Path]) -> None:
    """Four minutes are four minutes."""
    assert probe_video(good_videos["four_minutes"]).duration_s == pytest.approx(LONG_S)


def test_pixels_that_are_not_square_count_as_displayed(tmp_path: Path) -> None:
    """A video with pixels twice as wide as high is displayed twice as wide as stored, also when it lies on its side."""
    lying = probe_video(write_video(tmp_path / "wide.mp4", pixel_aspect=2))
    standing = probe_video(write_video(tmp_path / "turned.mp4", pixel_aspect=2, clockwise_deg=270))
    assert (lying.width_px, lying.height_px) == (320, 120)
    assert (standing.width_px, standing.height_px, standing.rotation_deg) == (120, 320, 270)


def test_a_length_that_the_file_does_not_reach_is_kept(tmp_path: Path) -> None:
    """A Matroska file with audio whose second half is missing still has its stated length, so that the loss is seen."""
    whole = write_video(tmp_path / "whole.mkv", audio_s=DURATION_S)
    half = tmp_path / "half.mkv"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    info = probe_video(half)
    assert info.duration_s == pytest.approx(DURATION_S, abs=0.1)
    assert not info.reaches_end(DURATION_S / 2)


@pytest.mark.parametrize(
    "kind",
    [
        *("zero_bytes", "garbage", "text", "html_error_page", "no_moov", "header_bit_flips", "first_1000_bytes"),
        *("hls_playlist", "concat_playlist", "missing", "directory", "audio_only", "cover_art_only", "no_pictures"),
        "still_picture",
    ],
)
def test_a_broken_file_is_rejected_with_its_reason(
    broken_videos: dict[str, tuple[Path, RejectReason]], kind: str
) -> None:
    """Every kind of broken file has its own reason, and a detail that a human can read."""
    path, reason = broken_videos[kind]
    with pytest.raises(UnreadableVideo) as caught:
        probe_video(path)
    assert caught.value.reason is reason
    assert len(caught.value.detail) > 20


def test_only_roundings_may_be_missing_at_the_end() -> None:
    """A decoded length reaches the end within a second of a long video and a tenth of a short one."""
    long = VideoInfo(60.0, 160, 120, 25.0, 0, "h264")
    short = VideoInfo(4.0, 160, 120, 25.0, 0, "h264")
    assert long.reaches_end(59.1)
    assert not long.reaches_end(58.9)
    assert short.reaches_end(3.7)
    assert not short.reaches_end(3.5)
