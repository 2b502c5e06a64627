"""A multipart request, read as it arrives: the video to a file without a name, the rest to short texts.

Limits of size and time are kept with every piece that arrives.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serve_app.problems import FieldProblem, Problem, invalid_request
from serve_app.settings import Limits
from serve_app.video_file import VIDEO_FIELD, VideoFile, too_large


@dataclass(frozen=True, slots=True)
class Form:
    """A request's parts.

    Attributes:
        fields: The texts by name.
        video: The video; without a byte where none was sent.
        has_video: Whether one was.
    """

    fields: dict[str, str]
    video: VideoFile
    has_video: bool


@asynccontextmanager
async def received(content_type: str, pieces: AsyncIterator[bytes], limits: Limits) -> AsyncIterator[Form]:
    """The parts of a multipart request; the video is gone when the block ends.

    Raises:
        Problem: It is not multipart, too large, too slow or broken, or its video is none.
    """
    with tempfile.TemporaryFile(prefix="narrator-ray-") as file:
        parts = _Parts(_boundary(content_type), VideoFile(file, limits.max_upload_mb), limits)
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

    def __init__(self, boundary: bytes, video: VideoFile, limits: Limits) -> None:
        self._video = video
        self._limits = limits
        self._num_text_bytes = 0
        self._has_video = self._is_complete = False
        self._headers: dict[bytes, bytes] = {}
        self._header = (bytearray(), bytearray())
        self._name = ""
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

    def finish(self) -> Form:
        """All parts, when everything has arrived."""
        if not self._is_complete:
            raise _broken()
        return Form({name: _text(name, data) for name, data in self._fields.items()}, self._video, self._has_video)

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
        if self._name == VIDEO_FIELD:
            self._video.take(data[start:end])
        else:
            self._count_text(end - start)
            self._fields[self._name].extend(data[start:end])

    def _count_text(self, num_bytes: int) -> None:
        self._num_text_bytes += num_bytes
        if self._num_text_bytes > self._limits.max_text_kb << 10:
            detail = f"the texts are longer than {self._limits.max_text_kb} KiB altogether (limits.max_text_kb)"
            raise too_large(self._name[:100], detail)


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
