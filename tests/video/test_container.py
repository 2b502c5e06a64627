"""Opening files and walking through pictures: what is refused, what is left out, how time is counted."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import pytest

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.video.container import PictureWalk, open_video
from tests.video_files import write_video


@dataclass
class FakeFrame:
    """A decoded picture of which only the times matter."""

    time: float | None
    duration: int = 0
    time_base: Fraction = Fraction(1, 100)

    @property
    def pts(self) -> int | None:
        return None if self.time is None else round(self.time * 100)


@dataclass
class FakePacket:
    """A packet that holds one picture, or does not decode."""

    frame: FakeFrame | None
    size: int = 10

    def decode(self) -> list[FakeFrame]:
        if self.frame is None:
            raise av.error.InvalidDataError(1, "damaged")
        return [self.frame]


@dataclass
class FakeContainer:
    """A file with these packets, which may break off after them."""

    packets: list[FakePacket]
    breaks_off: bool = False

    def demux(self, stream: FakeStream) -> Iterator[FakePacket]:
        yield from self.packets
        if self.breaks_off:
            raise av.error.InvalidDataError(1, "broken off")


@dataclass
class FakeStream:
    """A stream that states ten pictures a second."""

    average_rate: Fraction | None = Fraction(10)
    guessed_rate: Fraction | None = field(default=None)


def _walk(*times_s: float | None, breaks_off: bool = False) -> PictureWalk:
    packets = [FakePacket(FakeFrame(time_s)) for time_s in times_s]
    return PictureWalk(FakeContainer(packets, breaks_off), FakeStream())


def test_time_counts_from_the_first_picture() -> None:
    """A stream that starts late starts at zero, and its end includes the last picture's own length."""
    walk = _walk(1.4, 1.5, 1.6)
    assert [time_s for time_s, _ in walk] == pytest.approx([0, 0.1, 0.2])
    assert walk.end_s == pytest.approx(0.3)


def test_missing_and_backward_times_never_run_backwards() -> None:
    """A picture without a time follows the one before it; one that is dated back is shown no earlier."""
    times_s = [time_s for time_s, _ in _walk(0.0, 0.1, None, 0.1)]
    assert times_s == pytest.approx([0, 0.1, 0.2, 0.2])


def test_damaged_packets_are_left_out_and_counted() -> None:
    """The pictures around a damaged packet are given; the empty packet that ends a stream is not counted."""
    frames = [FakeFrame(0.0), None, FakeFrame(0.2)]
    packets = [*map(FakePacket, frames), FakePacket(FakeFrame(0.3), size=0)]
    walk = PictureWalk(FakeContainer(packets), FakeStream())
    assert len(list(walk)) == 3
    assert (walk.num_damaged_packets, walk.num_packets) == (1, 3)


def test_a_file_that_breaks_off_ends_the_walk() -> None:
    """What was there before the break is given, and the walk says where it ended."""
    walk = _walk(0.0, 0.1, breaks_off=True)
    assert len(list(walk)) == 2
    assert walk.end_s == pytest.approx(0.2)


def test_a_playlist_is_refused_before_its_addresses_are_touched(tmp_path: Path) -> None:
    """A playlist that names a server is rejected, and the server sees no connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/part.ts"
        playlist = tmp_path / "playlist.m3u8"
        playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6.0,\n{address}\n#EXT-X-ENDLIST\n")
        with pytest.raises(UnreadableVideo, match="playlists"), open_video(playlist):
            pass
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_file_name_is_never_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative name that looks like an FFmpeg protocol is a plain file name."""
    plain = write_video(tmp_path / "plain.mp4")
    (tmp_path / "concat:plain.mp4").write_bytes(plain.read_bytes())
    plain.unlink()
    monkeypatch.chdir(tmp_path)
    with open_video(Path("concat:plain.mp4")) as (container, _):
        assert container.name == str(tmp_path / "concat:plain.mp4")


@pytest.mark.parametrize("name", ["x" * 300, "nul\0byte"])
def test_an_impossible_name_is_a_rejection(tmp_path: Path, name: str) -> None:
    """A name that the operating system refuses costs one video, not the run."""
    with pytest.raises(UnreadableVideo) as caught, open_video(tmp_path / name):
        pass
    assert caught.value.reason is RejectReason.VIDEO_UNREADABLE
