"""Pictures at given times: the right moment, the right way up, by either decoder, and what happens to damaged files."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
import pytest

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.video.decode import decode_frames
from narrator_ray.video.decord_reader import read_with_decord
from narrator_ray.video.probe import probe_video
from narrator_ray.video.pyav_reader import read_with_pyav
from tests.video_files import DURATION_S, HIDDEN_S, SCENE_S, UPRIGHT, corners_of, scene_of, write_video

TIMES_S = [0.3, 1.3, 2.3, 3.3, 4.3, 5.3]
SCENES = [0, 0, 1, 1, 2, 2]
KINDS = [
    *("mp4", "webm_vp9", "mov_hevc", "av1", "rotated", "vfr", "no_extension", "non_ascii", "cover_art"),
    *("longer_audio", "transport_stream"),
]
DECORD_KINDS = [kind for kind in KINDS if kind not in ("av1", "transport_stream")]


def _blank_packets(source: Path, target: Path, numbers: range) -> Path:
    """Copy a video, overwriting these packets of it with zeros."""
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for number in numbers:
        start, size = places[number]
        data[start : start + size] = bytes(size)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_at_the_right_times(good_videos: dict[str, Path], kind: str) -> None:
    """The scene in the picture is the one on screen at that time."""
    info = probe_video(good_videos[kind])
    decoded = decode_frames(good_videos[kind], TIMES_S, info, 60)
    assert [scene_of(picture) for picture in decoded.frames_THWC] == SCENES
    assert decoded.frames_THWC.dtype == np.uint8


@pytest.mark.parametrize("kind", DECORD_KINDS)
def test_decord_is_the_first_decoder(good_videos: dict[str, Path], kind: str) -> None:
    """What decord can read is read by decord, without a remark."""
    decoded = decode_frames(good_videos[kind], TIMES_S, probe_video(good_videos[kind]), 60)
    assert (decoded.decoder, decoded.notes) == ("decord", ())


def test_av1_is_read_by_pyav_and_says_so(good_videos: dict[str, Path]) -> None:
    """The second decoder takes over and the note has the same reason on every run."""
    decoded = decode_frames(good_videos["av1"], TIMES_S, probe_video(good_videos["av1"]), 60)
    assert decoded.decoder == "pyav"
    assert decoded.notes == ("decord could not read it (no decoder for the codec av1); read with PyAV",)
    assert repr(decoded).startswith("DecodedFrames(6x60x80x3, pyav")


@pytest.mark.parametrize("kind", DECORD_KINDS)
def test_both_decoders_give_the_same_pictures(good_videos: dict[str, Path], kind: str) -> None:
    """Decord and PyAV agree on moment, size, rotation and colour."""
    info = probe_video(good_videos[kind])
    width_px, height_px = info.width_px // 2, info.height_px // 2
    by_decord = read_with_decord(good_videos[kind], TIMES_S, info, width_px, height_px)
    by_pyav, remarks, _ = read_with_pyav(good_videos[kind], TIMES_S, info, width_px, height_px)
    assert remarks == ()
    # They round chroma at sharp edges in different ways: most pixels are equal, a few at the blocks' borders are not.
    assert np.median(np.abs(by_decord.astype(int) - by_pyav)) <= 2
    assert np.abs(by_decord.astype(int) - by_pyav).mean() < 4


@pytest.mark.parametrize(
    ("clockwise_deg", "corners"),
    [
        (0, UPRIGHT),
        (90, ("blue", "red", "white", "green")),
        (180, ("white", "blue", "green", "red")),
        (270, ("green", "white", "red", "blue")),
    ],
)
def test_rotation_is_applied_by_both(tmp_path: Path, clockwise_deg: int, corners: tuple[str, ...]) -> None:
    """A turned video comes out the way up in which it is displayed, its shorter side as asked."""
    path = write_video(tmp_path / "turned.mp4", clockwise_deg=clockwise_deg)
    info = probe_video(path)
    decoded = decode_frames(path, [0.5], info, 60)
    by_pyav, _, _ = read_with_pyav(path, [0.5], info, *decoded.frames_THWC.shape[2:0:-1])
    assert decoded.frames_THWC.shape[1:3] == ((80, 60) if clockwise_deg in (90, 270) else (60, 80))
    assert decoded.decoder == "decord"
    assert corners_of(decoded.frames_THWC[0]) == corners
    assert corners_of(by_pyav[0]) == corners


@pytest.mark.parametrize("decoder", ["decord", "pyav"])
def test_variable_frame_rate_goes_by_timestamps(good_videos: dict[str, Path], decoder: str) -> None:
    """The last picture before a time counts, not the one whose number is time times rate; scene 1 starts at 2.04 s."""
    path = good_videos["vfr"]
    read = {"decord": read_with_decord, "pyav": lambda *given: read_with_pyav(*given)[0]}[decoder]
    frames_THWC = read(path, [2.0, 2.03, 2.04, 4.19, 4.2], probe_video(path), 80, 60)
    assert [scene_of(picture) for picture in frames_THWC] == [0, 0, 1, 1, 2]


def test_what_a_trimmed_video_hides_is_not_shown(good_videos: dict[str, Path]) -> None:
    """Time starts where the video is shown from, half a second into scene 0; decord would miscount such a file."""
    path = good_videos["trimmed"]
    info = probe_video(path)
    decoded = decode_frames(path, [0.0, 1.45, 1.55, 3.45, 3.55, 5.4], info, 60)
    assert info.duration_s == pytest.approx(DURATION_S - HIDDEN_S, abs=0.01)
    assert [scene_of(picture) for picture in decoded.frames_THWC] == [0, 0, 1, 1, 2, 2]
    assert decoded.notes == ("decord could not read it (it miscounts the pictures of a trimmed video); read with PyAV",)


@pytest.mark.parametrize("decoder", ["decord", "pyav"])
def test_times_may_come_in_any_order_and_after_the_end(good_videos: dict[str, Path], decoder: str) -> None:
    """Frames come in the order asked; after the end the last picture stays."""
    path = good_videos["mp4"]
    read = {"decord": read_with_decord, "pyav": lambda *given: read_with_pyav(*given)[0]}[decoder]
    frames_THWC = read(path, [5.0, 0.0, 99.0, 2.0, 1.99], probe_video(path), 80, 60)
    assert [scene_of(picture) for picture in frames_THWC] == [2, 0, 2, 1, 0]


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mkv"])
def test_a_missing_second_half_is_rejected_with_both_reasons(tmp_path: Path, suffix: str) -> None:
    """Decord reads half a file without a word; the loss is seen, and the detail says up to where it decodes."""
    codec = "libvpx-vp9" if suffix == "webm" else "libx264"
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    whole = write_video(tmp_path / f"whole.{suffix}", codec, **options)
    half = tmp_path / f"half.{suffix}"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(
        UnreadableVideo, match=r"decord: .*; PyAV: it can be decoded up to \d\.\d s of 6\.0 s"
    ) as caught:
        decode_frames(half, TIMES_S, probe_video(half), 60)
    assert caught.value.reason is RejectReason.VIDEO_UNREADABLE


def test_a_missing_end_can_be_allowed(tmp_path: Path) -> None:
    """As far as the file goes, if that is far enough; where it ends comes with the pictures."""
    whole = write_video(tmp_path / "whole.mkv")
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    info = probe_video(part)
    decoded = decode_frames(part, [0.5, 5.9], info, 60, least_fraction=0.25)
    assert decoded.end_s is not None
    assert 2 < decoded.end_s < 5.8
    assert [scene_of(picture) for picture in decoded.frames_THWC] == [0, int((decoded.end_s - 0.01) / SCENE_S)]
    with pytest.raises(UnreadableVideo, match="can be decoded up to"):
        decode_frames(part, [0.5, 5.9], info, 60, least_fraction=0.97)
    assert decode_frames(part, [0.5, 1.5], info, 60).end_s is None


def test_one_damaged_packet_costs_its_pictures_only(good_videos: dict[str, Path], tmp_path: Path) -> None:
    """A video with a damaged spot is read by PyAV, and a note says how much is lost."""
    damaged = _blank_packets(good_videos["no_extension"], tmp_path / "damaged.mp4", range(12, 13))
    decoded = decode_frames(damaged, TIMES_S, probe_video(damaged), 60)
    assert [scene_of(picture) for picture in decoded.frames_THWC] == SCENES
    taken_over, lost = decoded.notes
    assert taken_over == "decord could not read it (damaged pictures); read with PyAV"
    assert re.fullmatch(r"1 of \d+ pictures are damaged and were left out", lost)


def test_a_video_damaged_all_over_is_rejected(good_videos: dict[str, Path], tmp_path: Path) -> None:
    """More than a fifth of the pictures damaged is no video to narrate."""
    damaged = _blank_packets(good_videos["no_extension"], tmp_path / "damaged.mp4", range(1, 60, 3))
    with pytest.raises(UnreadableVideo, match=r"PyAV: \d+ of \d+ pictures are damaged"):
        decode_frames(damaged, TIMES_S, probe_video(damaged), 60)


def test_decoding_is_silent(good_videos: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    """Neither decoder writes to the terminal of a run, not even while one takes over from the other."""
    for kind in ("mp4", "av1", "transport_stream"):
        decode_frames(good_videos[kind], TIMES_S, probe_video(good_videos[kind]), 60)
    assert capfd.readouterr() == ("", "")
