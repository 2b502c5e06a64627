"""A set of result keys at 16 bytes each, so that a million of them take 16 MB."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

KEY_BYTES = 16
_KEY = re.compile(r"[0-9a-f]{32}")


def is_key(text: str) -> bool:
    """Whether a text has the form of a key: 32 hexadecimal characters."""
    return _KEY.fullmatch(text) is not None


class KeySet:
    """Sorted keys, found by halving. Texts that are no keys are left out.

    Args:
        keys: Keys as hexadecimal text; consumed once and not kept.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        packed = bytearray()
        for key in keys:
            if is_key(key):
                packed += bytes.fromhex(key)
        self._halves = _sorted(np.frombuffer(packed, ">u8").reshape(-1, 2))

    def __len__(self) -> int:
        return len(self._halves)

    def __iter__(self) -> Iterator[str]:
        for high, low in self._halves:
            yield f"{high:016x}{low:016x}"

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str) or not is_key(key):
            return False
        high, low = np.uint64(int(key[:16], 16)), np.uint64(int(key[16:], 16))
        begin = np.searchsorted(self._halves[:, 0], high, "left")
        end = np.searchsorted(self._halves[:, 0], high, "right")
        return bool((self._halves[begin:end, 1] == low).any())

    def __or__(self, other: KeySet) -> KeySet:
        union = KeySet()
        union._halves = _sorted(np.concatenate([self._halves, other._halves]))
        return union


def _sorted(halves: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Rows in order, each once, as contiguous columns."""
    halves = halves.astype(np.uint64)
    halves = halves[np.lexsort((halves[:, 1], halves[:, 0]))]
    is_new = np.ones(len(halves), bool)
    is_new[1:] = (halves[1:] != halves[:-1]).any(axis=1)
    return np.asfortranarray(halves[is_new])
