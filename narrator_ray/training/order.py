"""In which order samples are learnt: batches of samples of like length, in an order that seed and epoch alone decide.

The batches of an epoch are one list, whoever works: workers take turns along it, and a place in it is all that is kept
to go on, with as many workers or with others. Knows lengths, not samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from narrator_ray.errors import ConfigError

Batch = tuple[int, ...]
"""Indices of samples."""

_BATCHES_TO_SORT = 50
"""Samples for about so many batches are drawn at random, then sorted by length: little padding, yet a random order."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far training has come.

    Attributes:
        epoch: 0-based pass over all samples.
        num_batches: Batches of that epoch that are done, by all workers together.
    """

    epoch: int = 0
    num_batches: int = 0


class BatchOrder:
    """The batches of every epoch.

    Args:
        lengths: Tokens of each sample.
        budget: Most tokens of a batch, padding included.
        seed: Of the order.

    Raises:
        ConfigError: There is no sample, or one that is longer than the budget.
    """

    def __init__(self, lengths: Sequence[int], budget: int, seed: int = 0) -> None:
        if not lengths:
            raise ConfigError("training: there are no samples")
        if max(lengths) > budget:
            raise ConfigError(f"a sample has {max(lengths)} tokens and a batch {budget}: raise training.batch_tokens")
        self._lengths = np.array(lengths)
        self._budget = budget
        self._seed = seed

    def epoch(self, number: int) -> list[Batch]:
        """All batches of an epoch: every sample once."""
        rng = np.random.default_rng((self._seed, number))
        drawn = rng.permutation(len(self._lengths))
        size = max(1, int(_BATCHES_TO_SORT * self._budget / self._lengths.mean()))
        batches = [batch for begin in range(0, len(drawn), size) for batch in self._cut(drawn[begin : begin + size])]
        return [batches[index] for index in rng.permutation(len(batches))]

    def rounds(self, place: Place, num_workers: int = 1) -> Iterator[tuple[tuple[Batch, ...], Place]]:
        """What is left of an epoch, a batch for every worker at a time, with the place after it.

        The last batches of an epoch are shared out so that nobody waits for a worker without one; only where fewer
        samples than workers are left does a worker get an empty batch.
        """
        left = self.epoch(place.epoch)[place.num_batches :]
        for begin in range(0, len(left), num_workers):
            together = left[begin : begin + num_workers]
            is_last = begin + num_workers >= len(left)
            after = Place(place.epoch + 1) if is_last else Place(place.epoch, place.num_batches + begin + num_workers)
            yield tuple(_shared_out(together, num_workers)), after

    def num_rounds(self, epoch: int, num_workers: int = 1) -> int:
        """Rounds of a whole epoch."""
        return -(-len(self.epoch(epoch)) // num_workers)

    def _cut(self, indices: np.ndarray) -> list[Batch]:
        """Samples sorted by length and cut where the budget ends."""
        batches: list[list[int]] = []
        for index in indices[np.argsort(self._lengths[indices], kind="stable")].tolist():
            if batches and (len(batches[-1]) + 1) * self._lengths[index] <= self._budget:
                batches[-1].append(index)
            else:
                batches.append([index])
        return [tuple(batch) for batch in batches]


def _shared_out(batches: Sequence[Batch], num_workers: int) -> list[Batch]:
    """A batch for each worker: the largest are halved until there are enough."""
    shared = list(batches)
    while len(shared) < num_workers:
        largest = max(range(len(shared)), key=lambda place: len(shared[place]))
        batch = shared[largest]
        if len(batch) < 2:
            return shared + [()] * (num_workers - len(shared))
        shared[largest : largest + 1] = [batch[::2], batch[1::2]]
    return shared
