"""Which moments are looked at, and what the frames of a clip look like."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from narrator_ray.errors import UnreadableVideo
from narrator_ray.records import Clip
from narrator_ray.video.decode import decode_frames
from narrator_ray.video.frames import frame_times_s, sample_frames
from narrator_ray.video.probe import probe_video
from tests.video_files import scene_of, write_video

times = st.integers(0, 4_000_000).map(lambda ms: ms / 1000)


@pytest.mark.parametrize(
    ("start_s", "end_s", "fps", "expected_s"),
    [
        (0.0, 3.0, 1.0, [0.5, 1.5, 2.5]),
        (0.0, 3.9, 1.0, [0.5, 1.5, 2.5]),
        (2.0, 3.0, 2.0, [2.25, 2.75]),
        (1.6, 3.0, 1.0, [1.8, 2.5]),
        (2.2, 2.6, 1.0, [2.4]),
        (0.0, 0.04, 1.0, [0.02]),
        (0.3, 1.1, 10.0, [0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.05]),
    ],
)
def test_moments_of_a_clip(start_s: float, end_s: float, fps: float, expected_s: list[float]) -> None:
    """Whole slots are looked at in their middle, cut ones in the middle of what the clip has of them."""
    assert frame_times_s(Clip(start_s, end_s), fps) == pytest.approx(expected_s)


@given(start_s=times, length_s=st.integers(1, 60_000).map(lambda ms: ms / 1000), fps=st.sampled_from([0.5, 1.0, 2.0]))
def test_moments_lie_inside_the_clip(start_s: float, length_s: float, fps: float) -> None:
    """As many moments as numbered frames, at least one, ascending, none in a neighbouring clip."""
    clip = Clip(start_s, start_s + length_s)
    moments_s = frame_times_s(clip, fps)
    first, last = int(clip.start_s * fps + 1e-9), int(clip.end_s * fps + 1e-9)
    assert len(moments_s) == max(1, last - first)
    assert all(clip.start_s <= moment_s < clip.end_s for moment_s in moments_s)
    assert moments_s == sorted(moments_s)


def test_frames_of_a_video(good_videos: dict[str, Path]) -> None:
    """Frames come clip by clip, each from its own scene, as squares for the encoder."""
    path = good_videos["mp4"]
    clips = (Clip(0, 2), Clip(2, 4), Clip(4, 6))
    sampled = sample_frames(path, probe_video(path), clips, fps=1.0, image_size_px=64)
    assert (sampled.frames_TCHW.shape, sampled.frames_TCHW.dtype) == ((6, 3, 64, 64), np.uint8)
    assert sampled.frames_TCHW.flags.c_contiguous
    assert (sampled.clip_index_T.tolist(), sampled.clip_index_T.dtype) == ([0, 0, 1, 1, 2, 2], np.int32)
    assert sampled.time_s_T.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert [scene_of(frame_CHW.transpose(1, 2, 0)) for frame_CHW in sampled.frames_TCHW] == [0, 0, 1, 1, 2, 2]
    assert repr(sampled) == "SampledFrames(6x3x64x64 of 3 clips, decord, notes=())"


@pytest.mark.parametrize(("kind", "size"), [("mp4", (128, 96)), ("rotated", (72, 96))])
def test_thumbnails_show_the_whole_picture(good_videos: dict[str, Path], kind: str, size: tuple[int, int]) -> None:
    """Thumbnails are JPEGs 96 px high of the picture before the square was cut out."""
    sampled = sample_frames(good_videos[kind], probe_video(good_videos[kind]), [Clip(2, 4)], 1.0, 64)
    thumbnails = [Image.open(io.BytesIO(jpeg)) for jpeg in sampled.thumbnails_jpeg]
    assert [(image.format, image.size) for image in thumbnails] == [("JPEG", size)] * 2
    assert scene_of(np.asarray(thumbnails[0])) == 1


def test_the_middle_square_is_cut_out(good_videos: dict[str, Path]) -> None:
    """Of a 4:3 picture, an eighth of the width is lost on either side: corner blocks shrink, rows stay."""
    path = good_videos["mp4"]
    frame_CHW = sample_frames(path, probe_video(path), [Clip(0, 1)], 1.0, 120).frames_TCHW[0]
    red_row = (frame_CHW[0, 5] > 240) & (frame_CHW[1, 5] < 20)
    red_column = (frame_CHW[0, :, 3] > 240) & (frame_CHW[1, :, 3] < 20)
    assert red_row.sum() == pytest.approx(10, abs=2)
    assert red_column.sum() == pytest.approx(30, abs=2)


def test_a_video_of_one_picture_gives_one_frame(good_videos: dict[str, Path]) -> None:
    """The shortest possible video has a frame to look at."""
    path = good_videos["one_frame"]
    info = probe_video(path)
    sampled = sample_frames(path, info, [Clip(0, info.duration_s)], 1.0, 32)
    assert sampled.frames_TCHW.shape == (1, 3, 32, 32)
    assert scene_of(sampled.frames_TCHW[0].transpose(1, 2, 0)) == 0


def test_of_a_video_that_breaks_off_the_clips_that_are_there_are_kept(tmp_path: Path) -> None:
    """The last one ends where the pictures do; the rest are left out and a note says so."""
    whole = write_video(tmp_path / "whole.mkv")
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    info = probe_video(part)
    end_s = decode_frames(part, [5.9], info, 32, 0.25).end_s
    assert end_s is not None
    clips = (Clip(0.0, 1.0), Clip(1.0, end_s + 0.2), Clip(end_s + 0.2, 6.0), Clip(0.0, 1.0))
    sampled = sample_frames(part, info, clips, 4.0, 32, least_fraction=0.25)
    assert sampled.clips == (clips[0], Clip(1.0, end_s))
    assert sampled.clip_index_T.max() == 1
    assert sampled.time_s_T.max() < end_s
    assert len(sampled.frames_TCHW) == len(sampled.time_s_T) == len(sampled.thumbnails_jpeg)
    assert sampled.notes[-1] == (
        f"narrated up to {end_s:.1f} of 6.0 s: the rest is missing or damaged, which leaves out 2 clips"
    )
    with pytest.raises(UnreadableVideo, match="nothing of its first clip"):
        sample_frames(part, info, (Clip(end_s + 0.1, 6.0),), 4.0, 32, least_fraction=0.25)
