"""Which rows of a catalogue may have an id that an earlier row has: sixteen bytes a row, whatever the ids are."""

from __future__ import annotations

from array import array

import numpy as np

from narrator_ray.catalog.short_hash import short_hash


class SeenIds:
    """Takes the ids of all rows, one after another."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._rows = array("Q")

    def add(self, row: int, video_id: str) -> None:
        """Take the id of the next row."""
        self._hashes.append(short_hash(video_id))
        self._rows.append(row)

    def suspects(self) -> frozenset[int]:
        """Rows that share their id's hash with another: equal ids, or (once in ten million catalogues) others."""
        hashes, rows = np.asarray(self._hashes, np.uint64), np.asarray(self._rows, np.uint64)
        order = np.argsort(hashes, kind="stable")
        is_same = hashes[order][1:] == hashes[order][:-1]
        is_suspect = np.concatenate([is_same, [False]]) | np.concatenate([[False], is_same])
        return frozenset(rows[order][is_suspect[: len(order)]].tolist())
