"""Writes video files on the spot: good ones of many kinds with known content, and broken ones with the reason expected.

Every good video shows one scene after another, each a flat colour, with a differently coloured block in each corner:
the colour in the middle tells the time, the corners tell which way up a picture is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.stream import Disposition
from PIL import Image

from narrator_ray.errors import RejectReason

SCENE_COLOURS = ((200, 40, 40), (40, 160, 70), (60, 70, 200), (225, 205, 60), (190, 70, 190))
CORNER_COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
UPRIGHT = ("red", "green", "blue", "white")
"""Corners of an upright picture: top left, top right, bottom left, bottom right."""

SCENE_S = 2.0
DURATION_S = 6.0
FPS = 10
SIZE_PX = (160, 120)
"""Width and height as stored."""
LONG_S = 240.0
LONG_SCENE_S = 10.0
HIDDEN_S = 0.5
"""What the trimmed video does not show of its start."""
PORTRAIT_TURN_DEG = 90
"""Clockwise turn for display of the rotated video."""

Picture = npt.NDArray[np.uint8]


def draw_scene(scene: int, width_px: int, height_px: int) -> Picture:
    """One upright picture [H, W, 3]: the scene's colour and the four corner blocks."""
    picture = np.empty((height_px, width_px, 3), dtype=np.uint8)
    picture[:] = SCENE_COLOURS[scene % len(SCENE_COLOURS)]
    block = min(width_px, height_px) // 4
    rows, columns = (slice(None, block), slice(-block, None)), (slice(None, block), slice(-block, None))
    for corner, name in enumerate(UPRIGHT):
        picture[rows[corner // 2], columns[corner % 2]] = CORNER_COLOURS[name]
    return picture


def scene_of(picture_HWC: Picture) -> int:
    """Which scene's colour is in the middle of a picture."""
    height_px, width_px = picture_HWC.shape[:2]
    return int(_distances(picture_HWC[height_px // 2, width_px // 2], SCENE_COLOURS).argmin())


def corners_of(picture_HWC: Picture) -> tuple[str, ...]:
    """Names of the colours in the corners: top left, top right, bottom left, bottom right."""
    names, colours = list(CORNER_COLOURS), list(CORNER_COLOURS.values())
    spots = ((4, 4), (4, -5), (-5, 4), (-5, -5))
    return tuple(names[int(_distances(picture_HWC[spot], colours).argmin())] for spot in spots)


def _distances(pixel: Picture, colours: Sequence[tuple[int, int, int]]) -> npt.NDArray[np.int64]:
    return np.abs(np.array(colours) - pixel.astype(np.int64)).sum(axis=1)


def write_video(
    path: Path,
    codec: str = "libx264",
    *,
    times_s: Sequence[float] | None = None,
    scene_s: float = SCENE_S,
    size_px: tuple[int, int] = SIZE_PX,
    fps: int = FPS,
    clockwise_deg: int = 0,
    audio_s: float = 0.0,
    has_cover: bool = False,
    pixel_aspect: int = 1,
    hidden_s: float = 0.0,
    container_format: str | None = None,
    **muxer_options: str,
) -> Path:
    """Write a video of coloured scenes.

    Args:
        path: Where; the suffix chooses the container unless ``container_format`` does.
        codec: FFmpeg encoder.
        times_s: When each picture is shown, ascending from 0; by default `DURATION_S` at ``fps``.
        scene_s: Seconds between cuts.
        size_px: Width and height as stored.
        fps: Stated frame rate.
        clockwise_deg: Turn for display, as a phone writes it.
        audio_s: Seconds of silence beside the pictures; 0 writes no audio.
        has_cover: Whether the file carries cover art as well.
        pixel_aspect: Width of a pixel for display, in its heights.
        hidden_s: Seconds at the start that the file holds but does not show, as after trimming on a phone.
        container_format: Name of the muxer.
        muxer_options: Options of the muxer.
    """
    times_s = [n / fps for n in range(round(DURATION_S * fps))] if times_s is None else times_s
    with av.open(str(path), "w", format=container_format, options=muxer_options) as container:
        stream = container.add_stream(codec, rate=fps, options=_FAST.get(codec, {}))
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.sample_aspect_ratio = Fraction(pixel_aspect)
        if clockwise_deg:
            stream.set_display_rotation(-clockwise_deg)
        extras = [_silence(container, audio_s)] if audio_s else []
        extras += [_cover(container)] if has_cover else []
        for time_s in times_s:
            frame = av.VideoFrame.from_ndarray(draw_scene(int(time_s / scene_s + 1e-9), *size_px), format="rgb24")
            frame.pts, frame.time_base = round((time_s - hidden_s) * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        for packets in extras:
            container.mux(list(packets))
    return path


_FAST = {
    "libx264": {"preset": "ultrafast", "g": "10"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}


def _silence(container: OutputContainer, length_s: float) -> Iterator[av.Packet]:
    codec = "libopus" if container.format.name == "webm" else "aac"
    stream = container.add_stream(codec, rate=48000, layout="mono")

    def packets() -> Iterator[av.Packet]:
        for number in range(int(length_s * 50)):
            kind = "flt" if codec == "libopus" else "fltp"
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), format=kind, layout="mono")
            frame.sample_rate, frame.pts = 48000, number * 960
            yield from stream.encode(frame)
        yield from stream.encode()

    return packets()


def _cover(container: OutputContainer) -> Iterator[av.Packet]:
    stream = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
    stream.disposition = Disposition.attached_pic

    def packets() -> Iterator[av.Packet]:
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
        frame.pts = 0
        yield from stream.encode(frame)
        yield from stream.encode()

    return packets()


def variable_times_s() -> list[float]:
    """Times of a video whose pictures are shown for 40, 200 and 360 ms in turn."""
    steps_s = (0.04, 0.2, 0.36)
    return [0.6 * (n // 3) + sum(steps_s[: n % 3]) for n in range(30)]


def write_good_videos(directory: Path) -> dict[str, Path]:
    """Write one video of every kind that must be read. All but ``one_frame`` and ``four_minutes`` last about 6 s."""
    long_times_s = [n / 5 for n in range(round(LONG_S * 5))]
    return {
        "mp4": write_video(directory / "plain.mp4", audio_s=DURATION_S),
        "webm_vp9": write_video(directory / "vp9.webm", "libvpx-vp9"),
        "mov_hevc": write_video(directory / "hevc.mov", "libx265"),
        "av1": write_video(directory / "av1.mp4", "libsvtav1"),
        "rotated": write_video(directory / "phone.mp4", clockwise_deg=PORTRAIT_TURN_DEG),
        "one_frame": write_video(directory / "one.mp4", times_s=[0.0]),
        "four_minutes": write_video(directory / "long.mp4", times_s=long_times_s, scene_s=LONG_SCENE_S, fps=5),
        "vfr": write_video(directory / "variable.mp4", times_s=variable_times_s()),
        "trimmed": write_video(directory / "trimmed.mp4", hidden_s=HIDDEN_S),
        "no_extension": write_video(directory / "video", container_format="mp4"),
        "non_ascii": write_video(directory / "商品 视频 é.mp4"),
        "cover_art": write_video(directory / "cover.mp4", has_cover=True),
        "longer_audio": write_video(directory / "talk.webm", "libvpx-vp9", audio_s=DURATION_S + 3),
        "transport_stream": write_video(directory / "broadcast.ts"),
    }


def write_broken_videos(directory: Path) -> dict[str, tuple[Path, RejectReason]]:
    """Write one file of every kind that must be rejected, with the reason it must be rejected for."""
    whole = write_video(directory / "whole.mp4", movflags="faststart").read_bytes()
    unindexed = write_video(directory / "unindexed.mp4").read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, 20_000, dtype=np.uint8).tobytes()
    bad = RejectReason.VIDEO_UNREADABLE
    contents: dict[str, tuple[str, bytes, RejectReason]] = {
        "zero_bytes": ("empty.mp4", b"", RejectReason.VIDEO_EMPTY),
        "garbage": ("garbage.mp4", noise, bad),
        "text": ("text.mp4", b"This is not a video.\n" * 100, bad),
        "html_error_page": ("error.mp4", b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>", bad),
        "no_moov": ("no_moov.mp4", unindexed[: unindexed.index(b"moov") - 4], bad),
        "second_half_missing": ("half.mp4", whole[: len(whole) // 2], bad),
        "header_bit_flips": ("flipped.mp4", _flip_header(whole), bad),
        "first_1000_bytes": ("start.mp4", whole[:1000], bad),
        "hls_playlist": ("playlist.m3u8", _hls_playlist(directory / "whole.mp4"), bad),
        "concat_playlist": ("list.mp4", f"ffconcat version 1.0\nfile '{directory / 'whole.mp4'}'\n".encode(), bad),
    }
    broken = {name: (_write(directory / file, data), reason) for name, (file, data, reason) in contents.items()}
    (directory / "folder.mp4").mkdir()
    return broken | {
        "missing": (directory / "missing.mp4", RejectReason.VIDEO_NOT_FOUND),
        "directory": (directory / "folder.mp4", bad),
        "audio_only": (_write_without_video(directory / "audio.mp4", _silence, 2.0), RejectReason.NO_VIDEO_STREAM),
        "cover_art_only": (_write_without_video(directory / "cover.m4a", _cover), RejectReason.NO_VIDEO_STREAM),
        "no_pictures": (_write_no_pictures(directory / "no_pictures.mp4"), RejectReason.ZERO_DURATION),
        "still_picture": (_write_still(directory / "still.mp4"), bad),
    }


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _flip_header(data: bytes) -> bytes:
    """Every third byte of the sample description of an MP4 file with one bit turned over."""
    start = data.index(b"stsd") + 4
    flipped = bytearray(data)
    for place in range(start, start + 200, 3):
        flipped[place] ^= 0x10
    return bytes(flipped)


def _hls_playlist(video: Path) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6.0,\n{video}\n#EXT-X-ENDLIST\n".encode()


def _write_without_video(path: Path, add: Callable[..., Iterator[av.Packet]], *settings: float) -> Path:
    with av.open(str(path), "w", format="mp4") as container:
        extras = [_silence(container, 1.0)] if add is _cover else []
        for packets in (*extras, add(container, *settings)):
            container.mux(list(packets))
    return path


def _write_no_pictures(path: Path) -> Path:
    with av.open(str(path), "w", options={"movflags": "empty_moov+frag_keyframe"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height = SIZE_PX
        stream.pix_fmt = "yuv420p"
        container.start_encoding()
    return path


def _write_still(path: Path) -> Path:
    Image.fromarray(draw_scene(0, *SIZE_PX)).save(path, "JPEG")
    return path
