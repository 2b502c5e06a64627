"""Storage: named objects under one root, local or on S3, that every process of a run reads and writes.

An object is there whole or not at all, whoever is killed when. Keys are relative paths with ``/``. Knows nothing of
what the objects hold.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import StorageError
from narrator_ray.storage.filesystems import path_of_file_uri, scheme_of
from narrator_ray.storage.local_folder import TEMP_PREFIX, LocalFolder
from narrator_ray.storage.object_entry import ObjectEntry
from narrator_ray.storage.object_store import ObjectStore

_WHAT_TO_DO = {
    errno.ENOSPC: "the disk is full: free some space or choose another place",
    errno.EDQUOT: "the disk quota is used up: free some space or choose another place",
    errno.EROFS: "the file system is read-only: choose another place",
    errno.ENOTDIR: "a file stands where a folder is needed: remove it or choose another place",
    errno.EEXIST: "a file stands where a folder is needed: remove it or choose another place",
    errno.EISDIR: "a folder stands where a file is needed: remove it or choose another place",
    errno.ENAMETOOLONG: "the name is too long for the file system: choose a shorter place",
}


@dataclass(frozen=True, slots=True)
class Storage:
    """Objects under a root. Pickles, holds no connection, opens one where it is used.

    Attributes:
        uri: The root: an absolute path or ``s3://bucket/prefix``.
    """

    uri: str
    _place: LocalFolder | ObjectStore

    @classmethod
    def open(cls, uri: str, settings: StorageSettings = DEFAULT_STORAGE) -> Storage:
        """The storage at a local path, ``file://`` or ``s3://`` URI. Nothing is created or contacted yet.

        Args:
            uri: The root.
            settings: How S3 is spoken.

        Raises:
            StorageError: The URI is none of these.
        """
        scheme = scheme_of(uri)
        if scheme == "s3":
            root = f"s3://{uri.partition('://')[2].strip('/')}"
            if root == "s3://":
                raise StorageError(f"{uri}: no bucket is named: write s3://bucket/prefix")
            return cls(root, ObjectStore(root, settings))
        if scheme not in ("", "file") or not uri:
            raise StorageError(f"{uri or 'output'}: not a place to write to: give a folder, file:// or s3:// URI")
        try:
            root = str(Path(path_of_file_uri(uri) if scheme else uri).absolute())
        except ValueError as error:
            raise StorageError(f"{uri}: {error}") from error
        return cls(root, LocalFolder(root))

    @classmethod
    def of_file(cls, place: str, settings: StorageSettings = DEFAULT_STORAGE) -> tuple[Storage, str]:
        """The storage at the folder of one file, and the file's key in it.

        Args:
            place: Local path, ``file://`` or ``s3://`` URI of the file.
            settings: How S3 is spoken.

        Raises:
            StorageError: It is none of these.
        """
        try:
            path = path_of_file_uri(place) if scheme_of(place) == "file" else place
        except ValueError as error:
            raise StorageError(f"{place}: {error}") from error
        folder, slash, name = path.rpartition("/")
        return cls.open(folder or slash or ".", settings), name

    def __repr__(self) -> str:
        return f"Storage({self.uri!r})"

    def path_of(self, key: str) -> str:
        """Full path or URI of an object, or of a folder (``runs/1/``), for people and other tools."""
        return self._place.path_of(_checked(key.removesuffix("/")))

    def local_path(self, key: str) -> Path | None:
        """Path of an object on this machine; None when the storage is not a file system."""
        return self._place.local_path(_checked(key))

    def read(self, key: str) -> bytes:
        """The whole object.

        Raises:
            StorageError: It is not there or cannot be read.
        """
        with self._explained(key, "read"):
            return self._place.read(_checked(key))

    @contextmanager
    def opened(self, key: str) -> Iterator[IO[bytes]]:
        """An object to read from piece by piece.

        Raises:
            StorageError: It is not there or cannot be read.
        """
        with self._explained(key, "read"), self._place.opened(_checked(key)) as file:
            yield file

    def exists(self, key: str) -> bool:
        """Whether an object is there.

        Raises:
            StorageError: The storage cannot be asked.
        """
        with self._explained(key, "read"):
            return self._place.exists(_checked(key))

    def keys(self, folder: str = "") -> Iterator[str]:
        """Keys of all complete objects below a folder, one listing request for about a thousand.

        Raises:
            StorageError: The storage cannot be listed. A folder that is not there is simply empty.
        """
        with self._explained(folder, "list"):
            yield from self._place.keys(_checked(folder) if folder else "")

    def entries(self, folder: str = "") -> Iterator[ObjectEntry]:
        """All complete objects below a folder with size and age, found by the same listing as :meth:`keys`.

        Raises:
            StorageError: The storage cannot be listed. A folder that is not there is simply empty.
        """
        with self._explained(folder, "list"):
            yield from self._place.entries(_checked(folder) if folder else "")

    def write(self, key: str, data: bytes) -> None:
        """Write an object, in place of an earlier one. Readers see the old one or the new one, never a part.

        Raises:
            StorageError: It cannot be written.
        """
        with self._explained(key, "write"):
            self._place.write(_checked(key), data)

    def write_file(self, key: str, source: Path) -> None:
        """Write an object from a local file, never held in memory whole, in place of an earlier one.

        Raises:
            StorageError: It cannot be written.
        """
        with self._explained(key, "write"):
            self._place.write_file(_checked(key), source)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no error. A thousand a request where there are requests.

        Raises:
            StorageError: One of them cannot be removed.
        """
        with self._explained("", "delete in"):
            self._place.delete([_checked(key) for key in keys])

    def write_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless there is one: of several writers the first complete one wins.

        Returns:
            Whether this call wrote it.

        Raises:
            StorageError: It cannot be written.
        """
        with self._explained(key, "write"):
            return self._place.write_if_absent(_checked(key), data)

    def end_uploads(self, before_s: float, is_dry: bool = False) -> int:
        """End uploads in parts that were begun and never completed, which S3 keeps and bills though nobody sees them.

        Args:
            before_s: Unix time; what was begun later stays, for its writer may be at work.
            is_dry: Only look.

        Returns:
            How many there are, or were; none where there are no uploads.

        Raises:
            StorageError: The storage cannot be listed or written.
        """
        if not isinstance(self._place, ObjectStore):
            return 0
        with self._explained("", "end uploads in"):
            return self._place.end_uploads(before_s, is_dry)

    def check_writable(self) -> None:
        """Find out before any work whether objects can be written here, by writing one and removing it.

        Raises:
            StorageError: They cannot: permissions, a missing bucket, no credentials, a file in the way, a full disk.
        """
        with self._explained("", "write"):
            self._place.check_writable()

    def remove_abandoned(self, folders: Sequence[str]) -> None:
        """Remove what writers that were killed left half-written. What is being written now is left alone.

        Args:
            folders: Where to look, whatever lies below included, besides the root itself.

        Raises:
            StorageError: The storage cannot be listed or written.
        """
        with self._explained("", "clean up"):
            self._place.remove_abandoned([_checked(folder) for folder in folders])

    @contextmanager
    def _explained(self, key: str, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = self._place.path_of(key) if key else self.uri
            raise StorageError(f"{where}: cannot {verb}: {self._advice(error, verb)}") from error

    def _advice(self, error: OSError, verb: str) -> str:
        if isinstance(error, FileNotFoundError):
            is_bucket_missing = verb == "write" and isinstance(self._place, ObjectStore)
            return "the bucket does not exist: create it or correct its name" if is_bucket_missing else "not found"
        if isinstance(error, PermissionError):
            return f"permission denied ({error.strerror or error}): allow it or choose another place"
        if isinstance(error, ConnectionError | TimeoutError):
            return (
                f"{error}: check the network and AWS_ENDPOINT_URL or storage.endpoint_url, then run it again: what is "
                "done is kept"
            )
        return _WHAT_TO_DO.get(error.errno or 0, error.strerror or str(error))


def _checked(key: str) -> str:
    parts = key.split("/")
    if any(part in ("", ".", "..") or part.startswith(TEMP_PREFIX) for part in parts) or "\0" in key:
        raise StorageError(f"{key!r}: not a key: expected a relative path such as runs/latest.json")
    return key
