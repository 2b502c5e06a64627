"""Video files wherever they lie: which version is there, and a local copy for as long as it is needed.

Knows nothing of what is inside a video. Everything that goes wrong with one file is an UnreadableVideo; only a full or
broken temporary directory is not the video's fault.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from narrator_ray.catalog.http_source import CHUNK_BYTES, http_chunks, http_version
from narrator_ray.catalog.public_connection import AddressRefused
from narrator_ray.config import DEFAULT_STORAGE, SourceSettings, StorageSettings
from narrator_ray.errors import RejectReason, StorageError, UnreadableVideo
from narrator_ray.storage.filesystems import filesystem_of, os_errors, path_of_file_uri, scheme_of
from narrator_ray.storage.remote_file import open_remote

_SAMPLE_BYTES = 1 << 14
_MAX_SUFFIX_CHARACTERS = 8


def source_version(uri: str, rules: SourceSettings, storage: StorageSettings = DEFAULT_STORAGE) -> str:
    """A short text that changes when the file's contents change, found without reading the file whole.

    Local: size, modification time, and a hash of the first and last 16 KiB, because sizes and times alone repeat among
    the many files of a catalogue. S3: ETag and size. HTTP: a hash of the URL and the server's validators.

    Args:
        uri: The video.
        rules: Where videos may come from.
        storage: How S3 is spoken.

    Raises:
        UnreadableVideo: The file is missing, forbidden, not a file, or its server does not answer; or the rules do not
            let it be read.
    """
    _check_allowed(uri, rules)
    with _rejecting(uri):
        scheme = scheme_of(uri)
        if scheme in ("http", "https"):
            return http_version(uri, rules.allow_private_addresses)
        if scheme == "s3":
            info = _s3_info(uri, storage)
            etag = str(info["ETag"]).strip('"')
            return f"s3-{etag}-{info['size']}"
        return _local_version(_local_path(uri))


@contextmanager
def local_copy(uri: str, rules: SourceSettings, storage: StorageSettings = DEFAULT_STORAGE) -> Iterator[Path]:
    """A local path that holds the video: the file itself, or a temporary copy that is gone when the block ends.

    Args:
        uri: The video.
        rules: Where videos may come from, and how large they may be.
        storage: How S3 is spoken.

    Raises:
        UnreadableVideo: The file is missing, forbidden, not a file, does not arrive whole or in time, or is larger
            than the rules allow.
        StorageError: The temporary directory cannot take the copy.
    """
    _check_allowed(uri, rules)
    scheme = scheme_of(uri)
    if scheme not in ("http", "https", "s3"):
        with _rejecting(uri):
            path = _local_path(uri)
            _check_size(uri, _stat_file(path).st_size, rules)
        yield path
        return
    with _temporary_file(PurePosixPath(urlsplit(uri).path).suffix) as path:
        with _rejecting(uri):
            _fill(path, remote_pieces(uri, rules, storage))
        yield path


def remote_pieces(uri: str, rules: SourceSettings, storage: StorageSettings = DEFAULT_STORAGE) -> Iterator[bytes]:
    """The bytes of a video on S3 or on the web, in pieces.

    Args:
        uri: The video.
        rules: Where videos may come from, how large they may be and how long they may take.
        storage: How S3 is spoken.

    Raises:
        UnreadableVideo: The file is missing, forbidden, does not arrive whole or in time, or is larger than the rules
            allow.
    """
    _check_allowed(uri, rules)
    with _rejecting(uri):
        if scheme_of(uri) == "s3":
            chunks = _s3_chunks(uri, rules, storage)
        else:
            chunks = http_chunks(uri, rules.allow_private_addresses)
        yield from _limited(uri, chunks, rules)


def _check_allowed(uri: str, rules: SourceSettings) -> None:
    scheme = scheme_of(uri)
    if scheme in ("http", "https"):
        if not rules.allow_http:
            raise _refused(f"{uri}: addresses on the web are not read: set sources.allow_http if they may be")
    elif scheme != "s3" and rules.allow_roots:
        with _rejecting(uri):
            path = _local_path(uri).resolve()
        if not any(path.is_relative_to(Path(root).resolve()) for root in rules.allow_roots):
            raise _refused(f"{uri}: lies in none of the folders of sources.allow_roots")


def _check_size(uri: str, num_bytes: int, rules: SourceSettings) -> None:
    if num_bytes > rules.max_video_mb << 20:
        detail = f"{uri}: larger than sources.max_video_mb, which is {rules.max_video_mb}"
        raise UnreadableVideo(RejectReason.VIDEO_TOO_LARGE, detail)


def _limited(uri: str, chunks: Iterator[bytes], rules: SourceSettings) -> Iterator[bytes]:
    """The same pieces, as long as they are not too many and do not take too long."""
    deadline, num_bytes = time.monotonic() + rules.download_timeout_s, 0
    for chunk in chunks:
        num_bytes += len(chunk)
        _check_size(uri, num_bytes, rules)
        if time.monotonic() > deadline:
            raise TimeoutError(f"not here after {rules.download_timeout_s:g} s (sources.download_timeout_s)")
        yield chunk


def _refused(detail: str) -> UnreadableVideo:
    return UnreadableVideo(RejectReason.SOURCE_REFUSED, detail)


def _local_path(uri: str) -> Path:
    return Path(path_of_file_uri(uri) if scheme_of(uri) == "file" else uri)


def _stat_file(path: Path) -> os.stat_result:
    """Status of a regular file; anything else, such as a named pipe, could block a reader for ever."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError("it is a folder, not a video file")
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is a pipe or device, not a video file")
    return status


def _local_version(path: Path) -> str:
    status = _stat_file(path)
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_SAMPLE_BYTES))
        file.seek(max(0, status.st_size - _SAMPLE_BYTES))
        digest.update(file.read(_SAMPLE_BYTES))
    return f"file-{status.st_size}-{status.st_mtime_ns}-{digest.hexdigest()[:16]}"


def _s3_info(uri: str, storage: StorageSettings) -> dict[str, Any]:
    with os_errors(storage):
        info: dict[str, Any] = filesystem_of("s3", storage).info(uri)
    if info["type"] != "file":
        raise IsADirectoryError("it is a folder, not a video file")
    return info


def _s3_chunks(uri: str, rules: SourceSettings, storage: StorageSettings) -> Iterator[bytes]:
    with open_remote(uri, storage) as file:
        _check_size(uri, file.seek(0, os.SEEK_END), rules)
        file.seek(0)
        yield from iter(partial(file.read, CHUNK_BYTES), b"")


def _fill(path: Path, chunks: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        for chunk in chunks:
            try:
                file.write(chunk)
                file.flush()
            except OSError as error:
                raise StorageError(
                    f"{path}: {error.strerror}: free some space or set TMPDIR to a larger disk"
                ) from error


@contextmanager
def _temporary_file(suffix: str) -> Iterator[Path]:
    """An empty file that only this user can read, with the video's suffix because decoders guess from it."""
    usable = suffix if suffix[1:].isalnum() and len(suffix) <= _MAX_SUFFIX_CHARACTERS else ""
    try:
        handle, name = tempfile.mkstemp(prefix="narrator-ray-", suffix=usable)
    except OSError as error:
        raise StorageError(f"no temporary file can be made ({error}): set TMPDIR to a writable folder") from error
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _rejecting(uri: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        detail = f"{uri}: there is no such file: check `video` in the catalogue"
        raise UnreadableVideo(RejectReason.VIDEO_NOT_FOUND, detail) from error
    except AddressRefused as error:
        raise _refused(f"{uri}: {error}") from error
    except PermissionError as error:
        raise _forbidden(uri, error) from error
    except (ConnectionError, TimeoutError) as error:
        raise UnreadableVideo(RejectReason.SOURCE_UNAVAILABLE, f"{uri}: {error}") from error
    except (OSError, ValueError) as error:
        raise UnreadableVideo(RejectReason.VIDEO_UNREADABLE, f"{uri}: {error}") from error


def _forbidden(uri: str, error: PermissionError) -> UnreadableVideo:
    if scheme_of(uri) in ("", "file"):
        detail = f"{uri}: permission denied: make the file readable for the user that runs the job"
        return UnreadableVideo(RejectReason.VIDEO_UNREADABLE, detail)
    detail = f"{uri}: access denied ({error}): it does not exist or the credentials do not allow reading it"
    return UnreadableVideo(RejectReason.VIDEO_NOT_FOUND, detail)
