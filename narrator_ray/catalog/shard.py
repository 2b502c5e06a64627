"""A share of a catalogue, by a hash of video ids: shards agree on who has what, whatever the order of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from narrator_ray.catalog.short_hash import short_hash
from narrator_ray.errors import ConfigError

_TEXT = re.compile(r"([0-9]+)/([0-9]+)", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One of several shards, which together have every video once.

    Attributes:
        index: Which of them, from 1 to ``count``.
        count: How many there are.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """A shard from ``I/N``.

        Raises:
            ConfigError: It is not of that form, or there is no such shard.
        """
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ConfigError(f"shard {text!r}: expected I/N, such as 2/4 for the second of four")
        shard = cls(int(found[1]), int(found[2]))
        if not 1 <= shard.index <= shard.count:
            raise ConfigError(f"shard {text!r}: there is no such shard; of N they are 1/N to N/N")
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def name(self) -> str:
        """For folders and files."""
        return f"{self.index}-of-{self.count}"

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole catalogue."""
        return self.count == 1

    @property
    def suffix(self) -> str:
        """What tells files of several shards apart; empty for the whole catalogue."""
        return "" if self.is_whole else f"-{self.name}"

    @property
    def siblings(self) -> tuple[Shard, ...]:
        """All shards, itself included, in order."""
        return tuple(Shard(index, self.count) for index in range(1, self.count + 1))

    def holds(self, video_id: str) -> bool:
        """Whether a video is in it."""
        return self.is_whole or short_hash(video_id) % self.count == self.index - 1

    def holds_hashes(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Whether videos are in it, by the hashes of their ids; bool of the same shape."""
        is_held: npt.NDArray[np.bool_] = hashes % np.uint64(self.count) == np.uint64(self.index - 1)
        return is_held


WHOLE = Shard(1, 1)
"""All videos."""


def shard_of(text: str | None) -> Shard:
    """The shard that an option or a setting names; all videos where it names none.

    Raises:
        ConfigError: There is no such shard.
    """
    return WHOLE if text is None else Shard.parse(text)
