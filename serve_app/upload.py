"""A multipart request, read as it arrives: the video to a file without a name, the rest to short texts.

Limits of size and time are kept with every piece that arrives, and what does not begin like a video is refused after
its first piece. The file has no name on disk, so nobody else finds it and it is gone when the process is, however it
ends; decoders, which are other processes, open it through /proc.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serve_app.problems import FieldProblem, Problem, invalid_request
from serve_app.settings import Limits

VIDEO_FIELD = "video"
_BEGINNING_BYTES = 64
_BEGINNINGS = re.compile(
    rb"....(?:ftyp|moov|mdat|free|skip|wide|pnot)|\x1aE\xdf\xa3|RIFF....AVI |FLV\x01|OggS|GIF8[79]a"
    rb"|\x00\x00\x01[\xb3\xba]|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\x06\x0e\x2b\x34|G|....G",
    re.DOTALL,
)
"""How files of the containers that are decoded begin: mov and mp4, Matroska and WebM, AVI, FLV, Ogg, GIF, MPEG, ASF,
MXF. Only what cannot be a video is told here; the decoder's own list of formats decides."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A request's parts.

    Attributes:
        path: Where the video can be opened while the request is at work.
        version: Changes with the video's bytes: a hash of them all.
        num_bytes: Size of the video.
        fields: The texts by name.
    """

    path: Path
    version: str
    num_bytes: int
    fields: dict[str, str]


@asynccontextmanager
async def received(content_type: str, pieces: AsyncIterator[bytes], limits: Limits) -> AsyncIterator[Upload]:
    """The parts of a multipart request; the video is gone when the block ends.

    Raises:
        Problem: It is not multipart, too large, too slow, broken, without video, or no video.
    """
    with tempfile.TemporaryFile(prefix="narrator-ray-") as file:
        parts = _Parts(_boundary(content_type), file, limits)
        try:
            async with asyncio.timeout(limits.upload_timeout_s):
                async for piece in pieces:
                    parts.feed(piece)
        except TimeoutError as error:
            detail = f"the upload had not arrived after {limits.upload_timeout_s:g} s (limits.upload_timeout_s)"
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "upload_timeout", detail) from error
        yield parts.finish()


class _Parts:
    """What has arrived so far."""

    def __init__(self, boundary: bytes, file: IO[bytes], limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._digest = hashlib.sha256()
        self._num_bytes = self._num_text_bytes = 0
        self._has_video = self._is_complete = False
        self._headers: dict[bytes, bytes] = {}
        self._header = (bytearray(), bytearray())
        self._name = ""
        self._beginning = b""
        self._fields: dict[str, bytearray] = {}
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._name_part,
                "on_part_data": self._take,
                "on_end": self._complete,
            },
        )

    def feed(self, piece: bytes) -> None:
        """Take what has arrived."""
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _broken() from error

    def finish(self) -> Upload:
        """All parts, when everything has arrived."""
        if not self._is_complete:
            raise _broken()
        if not self._has_video:
            raise invalid_request([FieldProblem(VIDEO_FIELD, "is missing: send the video file in this field")])
        if not self._num_bytes:
            raise invalid_request([FieldProblem(VIDEO_FIELD, "has zero bytes")])
        self._check_beginning()
        self._file.flush()
        path = Path(f"/proc/{os.getpid()}/fd/{self._file.fileno()}")
        fields = {name: _text(name, data) for name, data in self._fields.items()}
        return Upload(path, f"upload-{self._digest.hexdigest()}", self._num_bytes, fields)

    def _begin(self) -> None:
        self._headers, self._name = {}, ""

    def _end_header(self) -> None:
        name, value = map(bytes, self._header)
        self._headers[name.lower()] = value
        self._header = (bytearray(), bytearray())

    def _complete(self) -> None:
        self._is_complete = True

    def _name_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode(errors="replace")
        if self._name == VIDEO_FIELD and not self._has_video:
            self._has_video = True
        elif self._name in self._fields or self._name == VIDEO_FIELD:
            raise invalid_request([FieldProblem(self._name, "is given twice")])
        else:
            self._count_text(len(self._name))
            self._fields[self._name] = bytearray()

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._name != VIDEO_FIELD:
            self._count_text(end - start)
            self._fields[self._name].extend(data[start:end])
            return
        self._num_bytes += end - start
        if self._num_bytes > self._limits.max_upload_mb << 20:
            detail = f"the video is larger than {self._limits.max_upload_mb} MiB (limits.max_upload_mb)"
            raise _too_large(VIDEO_FIELD, detail)
        self._digest.update(data[start:end])
        self._file.write(data[start:end])
        if len(self._beginning) < _BEGINNING_BYTES:
            self._beginning += data[start : min(end, start + _BEGINNING_BYTES)]
            if len(self._beginning) >= _BEGINNING_BYTES:
                self._check_beginning()

    def _check_beginning(self) -> None:
        if not _BEGINNINGS.match(self._beginning):
            detail = "this does not begin like a video: send an MP4, MOV, WebM, MKV, AVI, MPEG, FLV or GIF file"
            problem = FieldProblem(VIDEO_FIELD, detail)
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_a_video", detail, [problem])

    def _count_text(self, num_bytes: int) -> None:
        self._num_text_bytes += num_bytes
        if self._num_text_bytes > self._limits.max_text_kb << 10:
            detail = f"the texts are longer than {self._limits.max_text_kb} KiB altogether (limits.max_text_kb)"
            raise _too_large(self._name[:100], detail)


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        detail = "send multipart/form-data with the fields `video` and `product`, as a form with a file does"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_multipart", detail)
    return options[b"boundary"]


def _text(name: str, data: bytearray) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise invalid_request([FieldProblem(name, "is not UTF-8 text")]) from error


def _broken() -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "broken_upload", "the multipart body is broken or ends early: send it again")


def _too_large(field: str, detail: str) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail, [FieldProblem(field, detail)])
