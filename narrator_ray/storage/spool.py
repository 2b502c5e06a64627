"""Lines of text on local disk, written once and read as often as needed: what a run knows of a million rows.

The file has no name, so nothing is left behind however the process ends.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

from narrator_ray.errors import StorageError

_CHUNK_BYTES = 1 << 20


class Spool:
    """A sequence of lines without line ends inside. Several readers may be on their way through it at once.

    Raises:
        StorageError: The temporary directory cannot take it.
    """

    def __init__(self) -> None:
        try:
            self._file = tempfile.TemporaryFile("w+b", buffering=_CHUNK_BYTES, prefix="narrator-ray-")  # noqa: SIM115
        except OSError as error:
            raise _explained(error) from error
        self._num_lines = 0

    def __len__(self) -> int:
        return self._num_lines

    def __iter__(self) -> Iterator[str]:
        self._flush()
        offset, rest = 0, b""
        while chunk := os.pread(self._file.fileno(), _CHUNK_BYTES, offset):
            offset += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode() for line in lines)

    def append(self, line: str) -> None:
        """Add a line at the end.

        Raises:
            StorageError: The temporary directory is full.
        """
        try:
            self._file.write(line.encode() + b"\n")
        except OSError as error:
            raise _explained(error) from error
        self._num_lines += 1

    def _flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            raise _explained(error) from error

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


def _explained(error: OSError) -> StorageError:
    where = tempfile.gettempdir()
    return StorageError(f"{where}: {error.strerror or error}: free some space or set TMPDIR to a larger disk")
