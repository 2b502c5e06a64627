"""Opens a local video file through PyAV and walks through its pictures in order.

What may be opened is a closed list of container formats, so a playlist is refused before anything it names is touched.
Knows nothing of clips, picture sizes or rotation.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from narrator_ray.errors import RejectReason, UnreadableVideo

CONTAINER_FORMATS = ("mov", "matroska", "avi", "flv", "mpegts", "mpeg", "asf", "ogg", "mxf", "gif")
"""What FFmpeg may take a file for. Not on the list: playlists (hls, dash, concat), which name other files and
addresses, still pictures, and raw streams without times."""

FALLBACK_FPS = 25.0
"""Frame rate assumed where a file states none."""

TIME_TOLERANCE_S = 0.0005
"""A picture this much after an asked time still counts as on screen then: times are rounded, by decord to float32."""

_DECODER_THREADS = 1


class TimedPicture(NamedTuple):
    """One decoded picture and when it is shown, in seconds from the first picture of the video."""

    time_s: float
    frame: VideoFrame


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video file; gives the container and its stream of moving pictures (cover art is none).

    Raises:
        UnreadableVideo: The file is missing, empty, of no known format or without a video stream.
    """
    _check_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINER_FORMATS)}
    try:
        # Absolute, so that no file name can be taken for a protocol ("concat:a|b").
        container = av.open(str(path.absolute()), options=options, metadata_errors="ignore")
    except av.error.ArgumentError as error:
        raise UnreadableVideo(
            RejectReason.VIDEO_UNREADABLE,
            "the file is not a video container: playlists, still pictures and other kinds of file are not read",
        ) from error
    except av.error.FFmpegError as error:
        raise UnreadableVideo(
            RejectReason.VIDEO_UNREADABLE,
            f"the file cannot be opened as a video: {error.strerror}; it is damaged, incomplete or something else",
        ) from error
    with container:
        yield container, _picture_stream(container)


def stated_fps(stream: VideoStream) -> float:
    """Frames per second that the stream states; a usual rate where it states none or nonsense."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0 < rate <= 1000:
            return float(rate)
    return FALLBACK_FPS


class PictureWalk:
    """Iterates over the pictures of a stream, once, in the order they are shown.

    Packets that do not decode are left out, and a file that breaks off ends the walk: what was seen is counted so that
    the caller can judge.

    Attributes:
        num_packets: Packets read so far.
        num_damaged_packets: How many of them did not decode.
        end_s: When the last picture so far stops being shown, in seconds from the first picture.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self.num_packets = 0
        self.num_damaged_packets = 0
        self.end_s = 0.0
        self._container = container
        self._stream = stream
        self._first_s: float | None = None
        self._last_s = 0.0

    def __iter__(self) -> Iterator[TimedPicture]:
        for frame in self._frames():
            yield TimedPicture(self._place(frame), frame)

    def _frames(self) -> Iterator[VideoFrame]:
        try:
            for packet in self._container.demux(self._stream):
                self.num_packets += bool(packet.size)
                try:
                    yield from packet.decode()
                except av.error.FFmpegError:
                    self.num_damaged_packets += 1
        except av.error.FFmpegError:
            # The file breaks off here: `end_s` says where.
            return

    def _place(self, frame: VideoFrame) -> float:
        """Time of the frame, for which damaged or missing timestamps never run backwards."""
        if frame.pts is None:
            time_s = self.end_s
        else:
            self._first_s = frame.time if self._first_s is None else self._first_s
            time_s = frame.time - self._first_s
        self._last_s = max(self._last_s, time_s)
        length_s = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0
        self.end_s = self._last_s + (length_s or 1 / stated_fps(self._stream))
        return self._last_s


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnreadableVideo(RejectReason.VIDEO_NOT_FOUND, f"there is no file {path}") from error
    except (OSError, ValueError) as error:
        raise UnreadableVideo(RejectReason.VIDEO_UNREADABLE, f"the file cannot be looked at: {error}") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise UnreadableVideo(RejectReason.VIDEO_UNREADABLE, f"{path} is {kind}; expected a video file")
    if status.st_size == 0:
        raise UnreadableVideo(RejectReason.VIDEO_EMPTY, "the file has zero bytes")


def _picture_stream(container: InputContainer) -> VideoStream:
    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not moving:
        kinds = {"cover art" if stream.type == "video" else stream.type for stream in container.streams}
        found = f"only {' and '.join(sorted(kinds))}" if kinds else "no stream at all"
        raise UnreadableVideo(RejectReason.NO_VIDEO_STREAM, f"the file has no moving pictures: {found}")
    best = container.streams.best("video")
    stream = next((stream for stream in moving if stream is best), moving[0])
    if stream.codec_context is None:
        raise UnreadableVideo(RejectReason.VIDEO_UNREADABLE, "no decoder is known for the codec of its pictures")
    stream.codec_context.thread_count = _DECODER_THREADS
    return stream
