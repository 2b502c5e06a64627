"""Processes that train together: each reads its own batches, and all take one and the same step.

A step is a sum over samples divided by all supervised tokens, so it does not depend on how many workers share it. The
group of processes is somebody else's (Ray Train's, torchrun's): it is used here, neither made nor ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor, distributed


class Workers(Protocol):
    """This process among those that train together.

    Attributes:
        index: Of this process, from 0.
        count: How many there are.
    """

    index: int
    count: int

    def summed(self, numbers: Sequence[float]) -> list[float]:
        """Each number summed over all workers; all must ask."""

    def sum_gradients(self, weights: Iterable[Tensor]) -> None:
        """Replace the gradients by their sums over all workers; all must ask."""


class Alone:
    """The only process."""

    index, count = 0, 1

    def summed(self, numbers: Sequence[float]) -> list[float]:
        """The numbers themselves."""
        return list(numbers)

    def sum_gradients(self, weights: Iterable[Tensor]) -> None:
        """Nothing to add."""


class ProcessGroup:
    """The processes of torch's default group."""

    def __init__(self) -> None:
        self.index = distributed.get_rank()
        self.count = distributed.get_world_size()

    def summed(self, numbers: Sequence[float]) -> list[float]:
        """Each number summed over all workers."""
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        sums = torch.tensor(numbers, dtype=torch.float64, device=device)
        distributed.all_reduce(sums)
        return [float(number) for number in sums]

    def sum_gradients(self, weights: Iterable[Tensor]) -> None:
        """All gradients in one exchange; a worker without a batch adds zeros."""
        gradients = []
        for weight in weights:
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
            gradients.append(weight.grad)
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        sums = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, summed in zip(gradients, sums, strict=True):
            gradient.copy_(summed.view_as(gradient))


def joined_workers() -> Workers:
    """The workers of the group that this process has joined, or this process alone."""
    is_joined = distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
    return ProcessGroup() if is_joined else Alone()
