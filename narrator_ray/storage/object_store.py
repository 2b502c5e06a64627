"""Named objects in an S3 bucket (or any fsspec object store), each written whole by one upload.

Raises plain OSError; :mod:`narrator_ray.storage.storage` says it to people.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from narrator_ray.storage.filesystems import filesystem_of, os_errors, scheme_of
from narrator_ray.storage.local_folder import TEMP_PREFIX

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

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        with os_errors():
            return bool(self._filesystem.isfile(self.path_of(key)))

    def write(self, key: str, data: bytes) -> None:
        """Put the object with one upload; readers see it when it is complete."""
        with os_errors():
            self._filesystem.pipe_file(self.path_of(key), data)

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
        """Keys of all objects below a folder; nothing if there are none.

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
                    yield name[skip:]

    def check_writable(self) -> None:
        """Put a small object and take it away again, where taking away is allowed."""
        self.write(_PROBE, b"")
        with suppress(PermissionError), os_errors():
            self._filesystem.rm_file(self.path_of(_PROBE))

    @property
    def _filesystem(self) -> AbstractFileSystem:
        return filesystem_of(scheme_of(self.root))


def _list(filesystem: AbstractFileSystem, folder: str) -> list[dict[str, object]]:
    try:
        with os_errors():
            entries: list[dict[str, object]] = filesystem.ls(folder, detail=True)
    except FileNotFoundError:
        return []
    itself = str(filesystem._strip_protocol(folder))
    return [entry for entry in entries if str(entry["name"]).rstrip("/") != itself]
