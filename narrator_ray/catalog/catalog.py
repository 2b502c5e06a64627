"""A catalogue that was found valid: its rows on local disk, and what there is to know of them together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from narrator_ray.catalog.shard import WHOLE, Shard
from narrator_ray.records import Language, Video
from narrator_ray.storage.spool import Spool

_SUM_BITS = 256


class Catalog:
    """Videos in the manifest's order, read again from disk each time they are asked for: memory does not grow.

    Args:
        shard: Which of the rows that are added are kept.

    Attributes:
        num_added: All rows, those of other shards included.
    """

    def __init__(self, shard: Shard = WHOLE) -> None:
        self.num_added = 0
        self._shard = shard
        self._rows = Spool()
        self._digest = hashlib.sha256()
        self._sum = 0
        self._languages: set[Language] = set()
        self._adapters: set[str] = set()

    def add(self, video: Video) -> None:
        """Take the next row."""
        line = json.dumps(video.to_json(), ensure_ascii=False, separators=(",", ":"))
        data = line.encode()
        self.num_added += 1
        self._digest.update(data + b"\n")
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(data).digest())) % 2**_SUM_BITS
        if not self._shard.holds(video.video_id):
            return
        self._rows.append(line)
        self._languages.add(video.language)
        if video.adapter is not None:
            self._adapters.add(video.adapter)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Video]:
        return (Video.from_json(json.loads(line)) for line in self._rows)

    @property
    def fingerprint(self) -> str:
        """A hash of all rows in their order, those of other shards included: 32 hexadecimal characters."""
        return self._digest.hexdigest()[:32]

    @property
    def unordered_fingerprint(self) -> str:
        """A hash of the same rows in any order: 32 hexadecimal characters."""
        return f"{self._sum:0{_SUM_BITS // 4}x}"[:32]

    @property
    def languages(self) -> frozenset[Language]:
        """Languages that occur."""
        return frozenset(self._languages)

    @property
    def adapters(self) -> frozenset[str]:
        """Adapters that rows ask for."""
        return frozenset(self._adapters)
