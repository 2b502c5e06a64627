"""Named objects in a folder of a local or network file system, each written whole or not at all.

Raises plain OSError; :mod:`narrator_ray.storage.storage` says it to people.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from narrator_ray.storage.object_entry import ObjectEntry

TEMP_PREFIX = ".tmp-"
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """Objects as files below one folder.

    Attributes:
        root: Absolute path of the folder; it need not exist before the first write.
    """

    root: str

    def path_of(self, key: str) -> str:
        """Absolute path of the object."""
        return str(self.local_path(key))

    def local_path(self, key: str) -> Path:
        """Absolute path of the object."""
        return Path(self.root, key)

    def read(self, key: str) -> bytes:
        """The whole object."""
        return self.local_path(key).read_bytes()

    @contextmanager
    def opened(self, key: str) -> Iterator[IO[bytes]]:
        """The object, to read piece by piece."""
        with self.local_path(key).open("rb") as file:
            yield file

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        return self.local_path(key).is_file()

    def write(self, key: str, data: bytes) -> None:
        """Put the object in place with one rename; a reader sees the old one or the new one, never a part."""
        with self._written_aside(key, lambda file: file.write(data)) as aside:
            aside.replace(self.local_path(key))

    def write_file(self, key: str, source: Path) -> None:
        """The same from a file, which is copied in pieces."""
        with (
            source.open("rb") as whole,
            self._written_aside(key, lambda file: shutil.copyfileobj(whole, file)) as aside,
        ):
            aside.replace(self.local_path(key))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove the objects that are there."""
        for key in keys:
            self.local_path(key).unlink(missing_ok=True)

    def write_if_absent(self, key: str, data: bytes) -> bool:
        """Put the object in place with one hard link, which fails if another writer was first.

        File systems without hard links get a look and a rename instead: two writers in the same instant may then both
        believe they were first, and the second one's object stays.
        """
        target = self.local_path(key)
        if target.is_file():
            return False
        with self._written_aside(key, lambda file: file.write(data)) as aside:
            try:
                os.link(aside, target)
            except FileExistsError:
                if not target.is_file():
                    raise
                return False
            except OSError as error:
                if error.errno not in _NO_HARD_LINKS:
                    raise
                return self._move_if_absent(aside, target)
        return True

    def keys(self, folder: str) -> Iterator[str]:
        """Keys of all objects below a folder, in order of their paths; nothing if the folder is not there."""
        top = Path(self.root, folder)
        if not top.exists():
            return
        for directory, subfolders, names in os.walk(top, onerror=_raise):
            subfolders.sort()
            inside = os.path.relpath(directory, self.root)
            prefix = "" if inside == "." else f"{inside}/"
            yield from (f"{prefix}{name}" for name in sorted(names) if not name.startswith(TEMP_PREFIX))

    def entries(self, folder: str) -> Iterator[ObjectEntry]:
        """The same with size and age; what vanishes meanwhile is left out."""
        for key in self.keys(folder):
            with suppress(FileNotFoundError):
                status = self.local_path(key).stat()
                yield ObjectEntry(key, status.st_size, status.st_mtime)

    def check_writable(self) -> None:
        """Write a small file and take it away again."""
        with self._written_aside("probe", lambda file: None):
            pass

    @staticmethod
    def _move_if_absent(aside: Path, target: Path) -> bool:
        if target.exists():
            return False
        aside.replace(target)
        return True

    @contextmanager
    def _written_aside(self, key: str, fill: Callable[[IO[bytes]], Any]) -> Iterator[Path]:
        """A complete, synced file beside the object's place, taken away afterwards if it is still there.

        It is opened by hand rather than by tempfile so that its mode follows the umask: others must read results.
        """
        target = self.local_path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f"{TEMP_PREFIX}{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            yield aside
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()


def _raise(error: OSError) -> None:
    raise error
