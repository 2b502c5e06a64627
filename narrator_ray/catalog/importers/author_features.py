"""The authors' visual features: ``<id>_<frame>.npy`` for a frame, ``<id>_<clip>.pkl`` for a clip.

Files from elsewhere are untrusted: nothing in them is ever run.

Source: released code, get_training_data.py, which reads the former and writes the latter.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from narrator_ray.catalog.importers.array_pickle import array_of_pickle
from narrator_ray.errors import SchemaError
from narrator_ray.storage.storage import Storage

_NUMBER_KINDS = "fiu"


def read_author_features(path: str) -> npt.NDArray[np.generic]:
    """The array in a feature file, as stored: usually [tokens, dim] float16 or float32.

    Args:
        path: Local path, ``file://`` or ``s3://`` URI that ends in .npy or .pkl.

    Raises:
        SchemaError: It is not an array of plain numbers, is damaged, or asks for code to be run.
        StorageError: It cannot be read.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix not in _READERS:
        raise SchemaError(f"{path}: the extension {suffix!r} is not known: features are {' or '.join(_READERS)} files")
    storage, key = Storage.of_file(path)
    data = storage.read(key)
    try:
        return _READERS[suffix](data)
    except (ValueError, EOFError, MemoryError) as error:
        raise SchemaError(f"{path}: not a feature file: {error}") from error


def _array_of_npy(data: bytes) -> npt.NDArray[np.generic]:
    file = io.BytesIO(data)
    values: npt.NDArray[np.generic] = np.lib.format.read_array(file, allow_pickle=False)
    if values.dtype.kind not in _NUMBER_KINDS:
        raise ValueError(f"its elements are {values.dtype}, not plain numbers (floats or integers)")
    if file.tell() != len(data):
        raise ValueError(f"{len(data) - file.tell()} bytes follow after the array")
    return values


_READERS: dict[str, Callable[[bytes], npt.NDArray[np.generic]]] = {".npy": _array_of_npy, ".pkl": array_of_pickle}
