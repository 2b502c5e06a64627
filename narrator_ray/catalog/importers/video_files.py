"""The video file of every id, in a folder or below a URI. Looks at names only, never inside a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from narrator_ray.errors import StorageError
from narrator_ray.storage.filesystems import scheme_of
from narrator_ray.storage.storage import Storage

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".flv", ".ts", ".mpg", ".mpeg", ".wmv", ".3gp")
"""Extensions of video files; where an id has several files, the first one here wins."""


@dataclass(frozen=True, slots=True)
class VideoFiles:
    """Where videos lie.

    Attributes:
        root: Absolute path or URI of the folder.
        keys_by_stem: Paths of the video files below it, by name without extension; None if nobody looked.
    """

    root: str
    keys_by_stem: dict[str, list[str]] | None

    @classmethod
    def unchecked(cls, folder: str) -> VideoFiles:
        """The folder as named; every file is taken to be there.

        Raises:
            StorageError: A local folder is not named properly.
        """
        is_web = scheme_of(folder) in ("http", "https")
        return cls(folder.rstrip("/") if is_web else Storage.open(folder).uri, None)

    @classmethod
    def listed(cls, folder: str) -> VideoFiles:
        """The video files in the folder and below. Web servers cannot be listed: there, nothing is checked.

        Raises:
            StorageError: The folder cannot be listed or has no video files.
        """
        files = cls.unchecked(folder)
        if scheme_of(folder) in ("http", "https"):
            return files
        keys_by_stem: dict[str, list[str]] = {}
        for key in Storage.open(folder).keys():  # noqa: SIM118  not a mapping
            path = PurePosixPath(key)
            if path.suffix.lower() in VIDEO_SUFFIXES:
                keys_by_stem.setdefault(path.stem, []).append(key)
        if not keys_by_stem:
            raise StorageError(f"{files.root}: has no video files ({', '.join(VIDEO_SUFFIXES)}): check the path")
        return cls(files.root, keys_by_stem)

    def find(self, name: str) -> tuple[str, bool]:
        """Where a video lies.

        Args:
            name: Its file name, or its id, which is the name without extension.

        Returns:
            Path or URI, and whether the file is there. A missing file has the place where it would be expected.
        """
        has_suffix = PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES
        keys = (self.keys_by_stem or {}).get(PurePosixPath(name).stem if has_suffix else name)
        if not keys:
            return f"{self.root}/{name if has_suffix else name + VIDEO_SUFFIXES[0]}", self.keys_by_stem is None
        return f"{self.root}/{min(keys, key=lambda key: _rank(key, name))}", True


def _rank(key: str, name: str) -> tuple[bool, int, int, str]:
    """Order of preference: the very name, the better suffix, the shallower folder."""
    path = PurePosixPath(key)
    return path.name != name, VIDEO_SUFFIXES.index(path.suffix.lower()), len(path.parts), key
