"""In which order samples are learnt: batches of samples of like length, in an order that seed and epoch alone decide.

The batches of an epoch are one list, whoever works, and a step is always the next so many of them: workers share them
out, in more rounds where they are fewer. A place in the list is all that is kept to go on, with as many workers or with
others. Knows lengths, not samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from narrator_ray.errors import ConfigError

Batch = tuple[int, ...]
"""Indices of samples."""
Step = list[tuple[Batch, ...]]
"""Rounds in which every worker has a batch."""

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

    def steps(self, place: Place, num_batches: int, num_workers: int = 1) -> Iterator[tuple[Step, Place]]:
        """What is left of an epoch, so many batches a step, with the place after each.

        The last batches of a step are shared out so that nobody waits for a worker without one; only where fewer
        samples than workers are left does a worker get an empty batch.
        """
        left = self.epoch(place.epoch)[place.num_batches :]
        for begin in range(0, len(left), num_batches):
            end = begin + num_batches
            after = Place(place.epoch + 1) if end >= len(left) else Place(place.epoch, place.num_batches + end)
            yield _rounds(left[begin:end], num_workers), after

    def num_steps(self, epoch: int, num_batches: int) -> int:
        """Steps of a whole epoch, at so many batches a step."""
        return -(-len(self.epoch(epoch)) // num_batches)

    def _cut(self, indices: np.ndarray) -> list[Batch]:
        """Samples sorted by length and cut where the budget ends."""
        batches: list[list[int]] = []
        for index in indices[np.argsort(self._lengths[indices], kind="stable")].tolist():
            if batches and (len(batches[-1]) + 1) * self._lengths[index] <= self._budget:
                batches[-1].append(index)
            else:
                batches.append([index])
        return [tuple(batch) for batch in batches]


def _rounds(batches: Sequence[Batch], num_workers: int) -> Step:
    """The batches of a step in as few rounds as so many workers need."""
    begins = range(0, len(batches), num_workers)
    return [tuple(_shared_out(batches[begin : begin + num_workers], num_workers)) for begin in begins]


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
