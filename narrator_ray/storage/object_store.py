"""Named objects in an S3 bucket (or any fsspec object store), each written whole by one upload.

Raises plain OSError; :mod:`narrator_ray.storage.storage` says it to people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from narrator_ray.storage.filesystems import filesystem_of, os_errors, scheme_of
from narrator_ray.storage.local_folder import TEMP_PREFIX
from narrator_ray.storage.object_entry import ObjectEntry

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_PROBE = f"{TEMP_PREFIX}writable"


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Objects below one URI. Holds no connection, so it travels to other processes; each opens its own.

    Attributes:
        root: ``s3://bucket/prefix``, without a slash at the end.
    """

    root: str

    def path_of(self, key: str) -> str:
        """URI of the object."""
        return f"{self.root}/{key}"

    def local_path(self, key: str) -> None:
        """Objects have no local path."""
        return

    def read(self, key: str) -> bytes:
        """The whole object."""
        with os_errors():
            data: bytes = self._filesystem.cat_file(self.path_of(key))
        return data

    @contextmanager
    def opened(self, key: str) -> Iterator[IO[bytes]]:
        """The object, to read piece by piece."""
        with os_errors(), self._filesystem.open(self.path_of(key), "rb") as file:
            yield file

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        with os_errors():
            return bool(self._filesystem.isfile(self.path_of(key)))

    def write(self, key: str, data: bytes) -> None:
        """Put the object with one upload; readers see it when it is complete."""
        with os_errors():
            self._filesystem.pipe_file(self.path_of(key), data)

    def write_file(self, key: str, source: Path) -> None:
        """Put the object from a file, in parts where it is large; readers see it when it is complete."""
        with os_errors():
            self._filesystem.put_file(str(source), self.path_of(key))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove the objects that are there."""
        filesystem = self._filesystem
        with os_errors(), suppress(FileNotFoundError):
            filesystem.rm([str(filesystem._strip_protocol(self.path_of(key))) for key in keys])

    def write_if_absent(self, key: str, data: bytes) -> bool:
        """Put the object on condition that there is none (``If-None-Match``).

        A store that refuses the condition gets a look and a plain upload instead: two writers in the same instant may
        then both believe they were first, and the second one's object stays.
        """
        try:
            with os_errors():
                self._filesystem.pipe_file(self.path_of(key), data, mode="create")
        except FileExistsError:
            return False
        except (FileNotFoundError, PermissionError, ConnectionError):
            raise
        except OSError:
            if self.exists(key):
                return False
            self.write(key, data)
        return True

    def keys(self, folder: str) -> Iterator[str]:
        """Keys of all objects below a folder; nothing if there are none."""
        return (entry.key for entry in self.entries(folder))

    def entries(self, folder: str) -> Iterator[ObjectEntry]:
        """All objects below a folder with size and age.

        Listed folder by folder, because a listing of everything at once would be held in memory whole.
        """
        filesystem = self._filesystem
        pending = [f"{self.root}/{folder}".rstrip("/")]
        skip = len(str(filesystem._strip_protocol(self.root))) + 1
        while pending:
            for entry in _list(filesystem, pending.pop()):
                name = str(entry["name"])
                if entry["type"] == "directory":
                    pending.append(name)
                elif not name.rpartition("/")[2].startswith(TEMP_PREFIX):
                    yield ObjectEntry(name[skip:], int(entry["size"] or 0), _modified_at_s(entry))

    def check_writable(self) -> None:
        """Put a small object and take it away again, where taking away is allowed."""
        self.write(_PROBE, b"")
        with suppress(PermissionError), os_errors():
            self._filesystem.rm_file(self.path_of(_PROBE))

    def remove_abandoned(self, folders: Sequence[str]) -> None:
        """Uploads appear when they are complete: nothing is ever left half-written."""
        return

    @property
    def _filesystem(self) -> AbstractFileSystem:
        return filesystem_of(scheme_of(self.root))


def _list(filesystem: AbstractFileSystem, folder: str) -> list[dict[str, Any]]:
    try:
        with os_errors():
            entries: list[dict[str, Any]] = filesystem.ls(folder, detail=True)
    except FileNotFoundError:
        return []
    itself = str(filesystem._strip_protocol(folder))
    return [entry for entry in entries if str(entry["name"]).rstrip("/") != itself]


def _modified_at_s(entry: dict[str, Any]) -> float:
    """S3 says LastModified, other stores created; a store that says nothing makes every object old."""
    written = entry.get("LastModified") or entry.get("created")
    if not isinstance(written, datetime):
        return float(written or 0.0)
    return (written if written.tzinfo else written.replace(tzinfo=UTC)).timestamp()
