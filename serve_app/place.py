"""Where results and jobs are kept: a place that all ingress replicas reach."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from narrator_ray.config import StorageSettings
from narrator_ray.errors import StorageError
from narrator_ray.storage.storage import Storage


def open_place(place: str, kind: str, settings: StorageSettings) -> Storage:
    """The storage of one kind of objects.

    Args:
        place: A folder or an s3:// prefix; empty: a private folder among this machine's temporary files.
        kind: Name of the folder in it.
        settings: How S3 is spoken.

    Raises:
        StorageError: It is no such place, or not private.
    """
    return Storage.open(f"{(place or _private_folder()).rstrip('/')}/{kind}", settings)


def _private_folder() -> str:
    """The same folder for all replicas on this machine, of which nobody else can make another."""
    folder = Path(tempfile.gettempdir()) / f"narrator-ray-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StorageError(f"{folder}: not a private folder of this user: remove it, or set `results` to another place")
    return str(folder)
