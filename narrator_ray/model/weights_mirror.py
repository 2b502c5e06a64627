"""Weights under an s3:// prefix, copied once to the cache of a machine.

Copies are named by what the prefix holds now (names, sizes and ETags): weights that are uploaded again are copied
again, and every process of a machine that sees the same listing shares one copy. Loads no torch.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import ModelLoadError
from narrator_ray.model.cache import cache_root, make_once
from narrator_ray.storage.filesystems import filesystem_of, os_errors, scheme_of
from narrator_ray.storage.remote_file import RANGE_BYTES, open_remote


@dataclass(frozen=True, slots=True)
class _Listing:
    """What lies under a prefix.

    Attributes:
        prefix: URI without a slash at the end.
        sizes: Bytes of every object, by its path below the prefix.
        digest: Changes when an object does.
        storage: How S3 is spoken.
    """

    prefix: str
    sizes: dict[str, int]
    digest: str
    storage: StorageSettings


def mirror(uri: str, storage: StorageSettings = DEFAULT_STORAGE) -> Path:
    """A local copy of everything under a prefix, made now if this machine has none.

    Args:
        uri: The prefix.
        storage: How S3 is spoken.

    Raises:
        ModelLoadError: Nothing lies there, it cannot be read, or the cache cannot be written.
    """
    try:
        with os_errors(storage):
            listing = _list(uri.rstrip("/"), storage)
    except (OSError, ImportError) as error:
        raise ModelLoadError(f"{uri}: cannot be listed: {error}; check the prefix and the AWS_* settings") from error
    if not listing.sizes:
        raise ModelLoadError(f"{uri}: nothing lies there: correct the prefix, or upload the weights to it")
    target = cache_root() / "mirrors" / listing.digest[:32]
    return make_once(target, lambda folder: _copy(listing, folder), lambda folder: _checked(listing, folder))


def _list(prefix: str, storage: StorageSettings) -> _Listing:
    filesystem = filesystem_of(scheme_of(prefix), storage)
    root = str(filesystem._strip_protocol(prefix))
    digest, sizes = hashlib.sha256(prefix.encode()), {}
    for path, info in sorted(filesystem.find(root, detail=True).items()):
        name = str(path)[len(root) + 1 :]
        if not name or name.endswith("/"):  # markers of empty folders
            continue
        sizes[name] = int(info["size"])
        digest.update(f"\n{name} {sizes[name]} {info.get('ETag', '')}".encode())
    return _Listing(prefix, sizes, digest.hexdigest(), storage)


def _copy(listing: _Listing, folder: Path) -> None:
    for name in listing.sizes:
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ModelLoadError(f"{listing.prefix}: {name!r} leads out of the prefix: remove the object")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open_remote(f"{listing.prefix}/{name}", listing.storage) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, RANGE_BYTES)
        except OSError as error:
            raise ModelLoadError(f"{listing.prefix}/{name}: cannot be copied to {target}: {error}") from error


def _checked(listing: _Listing, folder: Path) -> Path:
    for name, size in listing.sizes.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != size:
            raise ModelLoadError(f"{file}: not {size} bytes as {listing.prefix}/{name} is: it changed while copied")
    return folder
