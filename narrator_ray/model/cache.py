"""Directories made once on this machine, in a cache that many processes share.

Any number of processes may ask at once: one makes the directory, the others wait. It is made aside and renamed into
place, so that a killed process leaves nothing that is taken for complete. Does not know what is in the directories.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from narrator_ray.errors import ModelLoadError

Opened = TypeVar("Opened")


def cache_root() -> Path:
    """Where made directories live: $NARRATOR_RAY_CACHE, $XDG_CACHE_HOME/narrator-ray or ~/.cache/narrator-ray."""
    if root := os.environ.get("NARRATOR_RAY_CACHE"):
        return Path(root).expanduser()
    if root := os.environ.get("XDG_CACHE_HOME"):
        return Path(root).expanduser() / "narrator-ray"
    return Path.home() / ".cache" / "narrator-ray"


def make_once(target: Path, make: Callable[[Path], object], check: Callable[[Path], Opened]) -> Opened:
    """What ``check`` says of a directory, which is made now if it is not there or not as it must be.

    Args:
        target: The directory, below :func:`cache_root`. Its name contains everything the contents depend on.
        make: Writes the contents into the empty directory it is given.
        check: Opens the directory; raises ModelLoadError where it is missing or damaged.

    Raises:
        ModelLoadError: The cache cannot be written, or what was made is not as it must be.
    """
    try:
        return check(target)
    except ModelLoadError:
        pass
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent / f".{target.name}.lock"):
            return _make_into(target, make, check)
    except OSError as error:
        raise ModelLoadError(
            f"{target}: cannot build the model there: {error}; set NARRATOR_RAY_CACHE to a directory with room"
        ) from error


def _make_into(target: Path, make: Callable[[Path], object], check: Callable[[Path], Opened]) -> Opened:
    try:
        return check(target)
    except ModelLoadError:
        shutil.rmtree(target, ignore_errors=True)
    for leftover in target.parent.glob(f".{target.name}.building-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}.building-", dir=target.parent))
    try:
        make(building)
        check(building)
        _make_readable(building)
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return check(target)


def _make_readable(path: Path) -> None:
    """Let other users of a shared cache read a directory: temporary directories and weight files are private.

    What symbolic links lead to belongs to others and stays as it is.
    """
    path.chmod(0o755)
    for inner in path.rglob("*"):
        if not inner.is_symlink():
            inner.chmod(0o755 if inner.is_dir() else 0o644)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
