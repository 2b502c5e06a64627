"""Uploads: limits are kept while they arrive, and nothing of them stays."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from serve_app.problems import Problem
from serve_app.settings import Limits
from serve_app.upload import Form, received
from serve_app.video_file import Upload

BOUNDARY = "frontier"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, content: bytes, file_name: str = "") -> bytes:
    """One part of a form."""
    file = f'; filename="{file_name}"' if file_name else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


class Sender:
    """Sends a body in pieces.

    Attributes:
        num_sent: How many were asked for.
    """

    def __init__(self, body: bytes, piece_bytes: int = 100, pause_s: float = 0.0) -> None:
        self.pieces = [body[start : start + piece_bytes] for start in range(0, len(body), piece_bytes)]
        self.num_sent = 0
        self.pause_s = pause_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.num_sent += 1
            await asyncio.sleep(self.pause_s)
            yield piece


def receive(sender: Sender, limits: Limits | None = None, kind: str = TYPE) -> tuple[Form, Upload, bytes]:
    """What arrives, and what can be read at the video's path meanwhile."""

    async def run() -> tuple[Form, Upload, bytes]:
        async with received(kind, aiter(sender), limits or Limits()) as form:
            upload = form.video.finish()
            return form, upload, upload.path.read_bytes()

    return asyncio.run(run())


def code_of(sender: Sender, limits: Limits | None = None, kind: str = TYPE) -> tuple[int, str]:
    """How it is refused."""
    with pytest.raises(Problem) as caught:
        receive(sender, limits, kind)
    return int(caught.value.status), caught.value.code


@pytest.mark.parametrize("piece_bytes", [1, 7, 100, 1 << 20])
def test_parts_arrive_whole_in_pieces_of_any_size(film: bytes, piece_bytes: int) -> None:
    """The very bytes, and texts before and after them."""
    small = film[:3000]
    body = part("product", "杯子".encode()) + part("video", small, "a.mp4") + part("seed", b"7") + END
    form, upload, seen = receive(Sender(body, piece_bytes))
    assert seen == small
    assert (upload.num_bytes, form.fields) == (3000, {"product": "杯子", "seed": "7"})


def test_the_version_tells_videos_apart(film: bytes) -> None:
    """It hangs on the bytes of the video and on nothing else."""
    bodies = [part("video", film[:-1] + last) + part("seed", seed) + END for last, seed in ((b"a", b"1"), (b"a", b"2"))]
    first, same = (receive(Sender(body, 4096))[1].version for body in bodies)
    other = receive(Sender(part("video", film[:-1] + b"b") + END, 4096))[1].version
    assert first == same != other


def test_no_name_on_disk(film: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither while it is there nor afterwards, whatever happens."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    async def run() -> None:
        async with received(TYPE, aiter(Sender(part("video", film) + END)), Limits()) as form:
            seen.extend([list(tmp_path.iterdir()), form.video.finish().path])
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(run())
    names, path = seen
    assert names == []
    assert not path.exists()


def test_too_large_a_video_is_refused_on_its_way(film: bytes) -> None:
    """When the limit is passed, not when all has arrived."""
    sender = Sender(part("video", film[:64] + bytes(4 << 20)) + END, 1 << 16)
    assert code_of(sender, Limits(max_upload_mb=1)) == (413, "too_large")
    assert sender.num_sent < len(sender.pieces) // 3


def test_too_much_text_is_refused_on_its_way(film: bytes) -> None:
    """In one field, in many, in names of fields."""
    for body in (
        part("product", b"x" * 200_000),
        b"".join(part(f"field{number}", b"x" * 10) for number in range(5000)),
        part("n" * 70_000, b""),
    ):
        sender = Sender(body + part("video", film) + END, 1 << 12)
        assert code_of(sender)[1] in ("too_large", "broken_upload")
        assert sender.num_sent < len(sender.pieces)


def test_what_does_not_begin_like_a_video_is_refused_at_once() -> None:
    """A picture, a page, a script, an archive; with its first piece."""
    for beginning in (b"\x89PNG\r\n\x1a\n", b"<!doctype html>", b"#!/bin/sh\n", b"PK\x03\x04", b"#EXTM3U\n"):
        sender = Sender(part("video", beginning + bytes(1 << 20), "film.mp4") + END, 1 << 12)
        assert code_of(sender) == (415, "not_a_video")
        assert sender.num_sent == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "broken_upload")),
        (part("video", b"\x00\x00\x00 ftypisom")[:-5], (400, "broken_upload")),
        (b"no multipart at all", (400, "broken_upload")),
        (part("seed", b"1") + END, (422, "invalid_request")),
        (part("video", b"") + END, (422, "invalid_request")),
        (part("seed", b"1") + part("seed", b"2") + END, (422, "invalid_request")),
        (part("seed", b"\xff\xfe") + part("video", b"\x00\x00\x00 ftypisom") + END, (422, "invalid_request")),
    ],
)
def test_broken_bodies(body: bytes, expected: tuple[int, str]) -> None:
    """Each is the request's fault and says which."""
    assert code_of(Sender(body)) == expected


def test_a_body_without_boundary() -> None:
    """JSON, or a form without file."""
    for kind in ("", "application/json", "multipart/form-data", "application/x-www-form-urlencoded"):
        assert code_of(Sender(b"{}"), kind=kind) == (415, "not_multipart")


def test_a_slow_upload_is_given_up(film: bytes) -> None:
    """However little it sends at a time."""
    sender = Sender(part("video", film) + END, 10, pause_s=0.05)
    assert code_of(sender, Limits(upload_timeout_s=0.2)) == (408, "upload_timeout")
