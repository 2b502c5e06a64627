"""Where the video of a request is kept while it is at work: a file without a name, whatever way the bytes come.

Nobody else finds it on disk, and it is gone when the process is, however that ends; decoders, which are other
processes, open it through /proc. Its size is kept to with every piece that arrives, and what does not begin like a
video is refused after its first piece.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

from serve_app.problems import FieldProblem, Problem, invalid_request

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
    """A video that has arrived.

    Attributes:
        path: Where it can be opened while the request is at work.
        version: Changes with its bytes: a hash of them all.
        num_bytes: Its size.
    """

    path: Path
    version: str
    num_bytes: int


class VideoFile:
    """A video on its way.

    Args:
        file: Where it goes.
        max_mb: Most MiB.

    Attributes:
        field: Field of the request that is at fault where something is wrong with it.
    """

    def __init__(self, file: IO[bytes], max_mb: int) -> None:
        self.field = VIDEO_FIELD
        self._file = file
        self._max_mb = max_mb
        self._digest = hashlib.sha256()
        self._num_bytes = 0
        self._beginning = b""

    def take(self, piece: bytes) -> None:
        """Write what has arrived.

        Raises:
            Problem: It is too large, or no video.
        """
        self._num_bytes += len(piece)
        if self._num_bytes > self._max_mb << 20:
            detail = f"the video is larger than {self._max_mb} MiB (limits.max_upload_mb)"
            raise too_large(self.field, detail)
        self._digest.update(piece)
        self._file.write(piece)
        if len(self._beginning) < _BEGINNING_BYTES:
            self._beginning += piece[:_BEGINNING_BYTES]
            if len(self._beginning) >= _BEGINNING_BYTES:
                self._check_beginning()

    def finish(self) -> Upload:
        """The video, when all of it has arrived.

        Raises:
            Problem: It is empty, or no video.
        """
        if not self._num_bytes:
            raise invalid_request([FieldProblem(self.field, "has zero bytes")])
        self._check_beginning()
        self._file.flush()
        path = Path(f"/proc/{os.getpid()}/fd/{self._file.fileno()}")
        return Upload(path, f"upload-{self._digest.hexdigest()}", self._num_bytes)

    def _check_beginning(self) -> None:
        if not _BEGINNINGS.match(self._beginning):
            detail = "this does not begin like a video: send an MP4, MOV, WebM, MKV, AVI, MPEG, FLV or GIF file"
            problem = FieldProblem(self.field, detail)
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_a_video", detail, [problem])


def too_large(field: str, detail: str) -> Problem:
    """More bytes than a request may have."""
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail, [FieldProblem(field, detail)])
