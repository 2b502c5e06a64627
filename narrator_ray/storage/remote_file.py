"""An object of S3 as a file to read: in ranges, of one version, whole or not at all.

Never holds more than one range in memory. A range whose answer breaks off or falls short is asked for again.
"""

from __future__ import annotations

import errno
import io
from typing import TYPE_CHECKING, Any

from narrator_ray.config import StorageSettings
from narrator_ray.storage.filesystems import error_code, filesystem_of, os_errors, scheme_of
from narrator_ray.storage.retries import read_whole

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

RANGE_BYTES = 8 << 20


def open_remote(uri: str, settings: StorageSettings) -> io.BufferedReader:
    """The object at a URI, to read and seek in.

    Raises:
        OSError: It is not there, is a folder of objects, or cannot be read. Reading raises ConnectionError when the
            object is replaced meanwhile.
    """
    raw = RemoteFile(uri, settings)
    return io.BufferedReader(raw, max(1, min(raw.num_bytes, RANGE_BYTES)))


class RemoteFile(io.RawIOBase):
    """The unbuffered file; every read is one request.

    Attributes:
        num_bytes: Size of the object.
    """

    def __init__(self, uri: str, settings: StorageSettings) -> None:
        super().__init__()
        self._uri = uri
        self._settings = settings
        self._position = 0
        with os_errors(settings):
            self._filesystem = filesystem_of(scheme_of(uri), settings)
            info: dict[str, Any] = self._filesystem.info(uri)
        if info["type"] != "file":
            raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file")
        self.num_bytes: int = info["size"]
        bucket, key, _ = self._filesystem.split_path(uri)
        self._object = {"Bucket": bucket, "Key": key, "IfMatch": info["ETag"]}

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The place of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Choose the place of the next read."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.num_bytes}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, "a place before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer from the object, with one range at most."""
        view = memoryview(buffer).cast("B")
        num_bytes = min(len(view), RANGE_BYTES, max(0, self.num_bytes - self._position))
        with os_errors(self._settings):
            data = read_whole(self._settings, self._uri, lambda: self._range(num_bytes))
        view[:num_bytes] = data
        self._position += num_bytes
        return num_bytes

    def readall(self) -> bytes:
        """The rest of the object, range by range."""
        data = bytearray(max(0, self.num_bytes - self._position))
        view = memoryview(data)
        while view:
            view = view[self.readinto(view) :]
        return bytes(data)

    def _range(self, num_bytes: int) -> bytes:
        """One request for what follows, answered in full or not at all."""
        from botocore.exceptions import IncompleteReadError
        from fsspec.asyn import sync

        if not num_bytes:
            return b""
        wanted = f"bytes={self._position}-{self._position + num_bytes - 1}"
        try:
            answer = self._filesystem.call_s3("get_object", Range=wanted, **self._object)
        except OSError as error:
            if error_code(error) == "PreconditionFailed":
                raise ConnectionError("it was replaced while it was read") from error
            raise
        data: bytes = sync(self._filesystem.loop, _whole_body, answer["Body"])
        if len(data) != num_bytes:
            raise IncompleteReadError(actual_bytes=len(data), expected_bytes=num_bytes)
        return data


async def _whole_body(body: Any) -> bytes:
    try:
        data: bytes = await body.read()
    finally:
        body.close()
    return data
