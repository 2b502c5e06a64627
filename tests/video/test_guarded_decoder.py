"""Decoding in a child process gives what decoding here gives, and survives what decoding here would not."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from narrator_ray.config import ClipSettings, DecodeSettings, FrameSettings
from narrator_ray.errors import ItemError, RejectReason
from narrator_ray.records import Clip
from narrator_ray.video.frames import sample_frames
from narrator_ray.video.guarded_decoder import GuardedDecoder
from narrator_ray.video.probe import VideoInfo
from narrator_ray.video.split import split_video
from tests.video_files import SIZE_PX

SETTINGS = ClipSettings(), FrameSettings()
INFO = VideoInfo(6.0, 160, 120, 10.0, 0, "h264")


@pytest.fixture(scope="module")
def decoder() -> Iterator[GuardedDecoder]:
    """The real decoder."""
    guarded = GuardedDecoder(DecodeSettings())
    yield guarded
    guarded.close()


@pytest.fixture
def faulty() -> Iterator[GuardedDecoder]:
    """A decoder that crashes when it splits and hangs when it samples."""
    guarded = GuardedDecoder(DecodeSettings(timeout_s=3), "tests.video.faulty_child")
    yield guarded
    guarded.close()


@pytest.mark.parametrize("kind", ["mp4", "rotated"])
@pytest.mark.parametrize("clips", [None, (Clip(0.5, 2.5), Clip(2.5, 6.0))])
def test_the_result_is_that_of_decoding_here(
    decoder: GuardedDecoder, good_videos: dict[str, Path], kind: str, clips: tuple[Clip, ...] | None
) -> None:
    """To the last pixel."""
    path = good_videos[kind]
    info, found = decoder.split(path, clips, *SETTINGS)
    assert (info, found) == split_video(path, clips, *SETTINGS)
    ours, theirs = sample_frames(path, info, found, 2.0, 32), decoder.sample(path, info, found, 2.0, 32)
    for name in ("frames_TCHW", "clip_index_T", "time_s_T"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert (ours.thumbnails_jpeg, ours.decoder, ours.notes) == (theirs.thumbnails_jpeg, theirs.decoder, theirs.notes)


def test_broken_videos_keep_their_reasons(
    decoder: GuardedDecoder, broken_videos: dict[str, tuple[Path, RejectReason]]
) -> None:
    """What a decoder finds wrong with a file crosses the border as it is."""
    for path, reason in broken_videos.values():
        with pytest.raises(ItemError) as caught:
            info, clips = decoder.split(path, None, *SETTINGS)
            decoder.sample(path, info, clips, 1.0, 32)
        assert caught.value.reason == reason


def test_a_decoder_that_crashes_twice_rejects_the_video(faulty: GuardedDecoder, tmp_path: Path) -> None:
    """With the signal, after exactly two attempts."""
    tries = tmp_path / "tries"
    with pytest.raises(ItemError, match="killed by SIGSEGV, 2 times") as caught:
        faulty.split(tries, None, *SETTINGS)
    assert caught.value.reason is RejectReason.DECODER_CRASHED
    assert tries.read_text() == "xx"


def test_a_decoder_that_hangs_rejects_the_video(faulty: GuardedDecoder, tmp_path: Path) -> None:
    """Once, for twice would take twice as long."""
    with pytest.raises(ItemError, match="longer than 3 s") as caught:
        faulty.sample(tmp_path / "hang.mp4", INFO, (Clip(0.0, 6.0),), 1.0, 32)
    assert caught.value.reason is RejectReason.DECODER_TIMEOUT


def test_a_video_too_large_is_not_decoded(decoder: GuardedDecoder, good_videos: dict[str, Path]) -> None:
    """By its pixels, its pictures or its length; the error names the setting."""
    path = next(iter(good_videos.values()))
    pixels = SIZE_PX[0] * SIZE_PX[1]
    for limits, reason, words in [
        ({"max_pixels": pixels - 1}, RejectReason.VIDEO_TOO_LARGE, "frames.max_pixels"),
        ({"max_pictures": 10}, RejectReason.VIDEO_TOO_LONG, "frames.max_pictures"),
        ({"max_video_s": 2.0}, RejectReason.VIDEO_TOO_LONG, "frames.max_video_s"),
    ]:
        with pytest.raises(ItemError, match=words) as caught:
            decoder.split(path, None, ClipSettings(), FrameSettings.model_validate(limits))
        assert caught.value.reason is reason
