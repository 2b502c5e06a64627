"""What a video file is: how long, how large, how fast, which way up. Decodes its first picture and no more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.video.container import PictureWalk, open_video, stated_fps

_OTHER_STREAM_SLACK_S = 1.0


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Facts about a video file.

    Attributes:
        duration_s: Length of its pictures in seconds, always above zero.
        width_px: Width as displayed: after rotation, in square pixels.
        height_px: Height as displayed.
        fps: Frames per second, on average.
        rotation_deg: Clockwise turn of the stored pictures for display: 0, 90, 180 or 270.
        codec: Name of the codec, such as "h264".
    """

    duration_s: float
    width_px: int
    height_px: int
    fps: float
    rotation_deg: int
    codec: str

    def reaches_end(self, decoded_until_s: float) -> bool:
        """Whether pictures up to that time are the whole video.

        A file of which the end is missing still states its full length. Two frames may be missing, and of a longer
        video a tenth, at most one second: containers round their lengths.
        """
        slack_s = max(2 / self.fps, min(1.0, self.duration_s / 10))
        return decoded_until_s >= self.duration_s - slack_s


def probe_video(path: Path, max_pixels: int | None = None) -> VideoInfo:
    """Look at a local video file.

    Args:
        path: The file.
        max_pixels: Most pixels of a picture that may be decoded; None for any.

    Raises:
        UnreadableVideo: With the reason VIDEO_NOT_FOUND, VIDEO_EMPTY (zero bytes), NO_VIDEO_STREAM (audio or data only,
            cover art included), ZERO_DURATION (a stream without pictures), VIDEO_TOO_LARGE or VIDEO_UNREADABLE
            (anything else).
    """
    with open_video(path) as (container, stream):
        _check_size(stream, max_pixels)
        walk = PictureWalk(container, stream)
        first = next(iter(walk), None)
        if first is None:
            raise _no_picture(walk, stream)
        rotation_deg = -first.frame.rotation % 360
        width_px, height_px = _displayed_size(first.frame, stream, rotation_deg)
        fps = stated_fps(stream)
        length_s = _stated_length_s(container, stream)
        codec = stream.codec_context.codec.canonical_name
    if length_s is None:
        length_s = _measured_length_s(path)
    return VideoInfo(max(length_s, 1 / fps), width_px, height_px, fps, rotation_deg, codec)


def _check_size(stream: VideoStream, max_pixels: int | None) -> None:
    width_px, height_px = stream.codec_context.width, stream.codec_context.height
    if max_pixels is not None and width_px * height_px > max_pixels:
        raise UnreadableVideo(
            RejectReason.VIDEO_TOO_LARGE,
            f"its pictures are {width_px} x {height_px} pixels and frames.max_pixels is {max_pixels}",
        )


def _no_picture(walk: PictureWalk, stream: VideoStream) -> UnreadableVideo:
    if walk.num_packets == 0 and not stream.frames and not stream.duration:
        return UnreadableVideo(RejectReason.ZERO_DURATION, "the video stream holds no pictures and has no duration")
    detail = f"none of its pictures can be decoded ({walk.num_packets} packets read): it is damaged or incomplete"
    return UnreadableVideo(RejectReason.VIDEO_UNREADABLE, detail)


def _displayed_size(frame: VideoFrame, stream: VideoStream, rotation_deg: int) -> tuple[int, int]:
    pixel_aspect = stream.sample_aspect_ratio
    width_px = round(frame.width * pixel_aspect) if pixel_aspect else frame.width
    size = (max(1, width_px), frame.height)
    return size if rotation_deg in (0, 180) else (size[1], size[0])


def _stated_length_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Length by the stream, else by the container if no other stream can be what lasts that long."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def _measured_length_s(path: Path) -> float:
    """Length by reading every packet, decoding none.

    Matroska states one length for the file, and its audio may outlast the pictures. The stated length counts where no
    stream of the file reaches it, for then the end of the file is missing.
    """
    start_s, end_s, any_end_s = float("inf"), 0.0, 0.0
    with open_video(path) as (container, stream):
        try:
            for packet in container.demux():
                if packet.pts is None or packet.time_base is None:
                    continue
                time_s = float(packet.pts * packet.time_base)
                packet_end_s = time_s + float((packet.duration or 0) * packet.time_base)
                any_end_s = max(any_end_s, packet_end_s)
                if packet.stream is stream:
                    start_s, end_s = min(start_s, time_s), max(end_s, packet_end_s)
        except av.error.FFmpegError:
            # The file breaks off here; the lengths so far tell it.
            pass
        stated_s = (container.duration or 0) / av.time_base
    is_cut_short = any_end_s < stated_s - _OTHER_STREAM_SLACK_S
    return stated_s if is_cut_short else max(0.0, end_s - start_s)
