"""How many CPU threads a model replica computes with, how they wait, and what is kept for them.

Threads of one matrix product wait for each other. By default they spin, and when another process wants the core, every
wait lasts a time slice: a narrator beside a busy process became more than five times slower. Threads that sleep while
they wait do not.

Products of half-precision matrices are compiled for every shape. PyTorch and oneDNN keep 1,024 of them each, and a
narrator, which reads texts of ever other lengths, grew by hundreds of MB before they were full. With 64 each it stays
as large as it is, and takes no longer.

Only takes effect before torch is imported, which workers do when they build their first model.
"""

from __future__ import annotations

import os

_KEPT_SHAPES = "64"
_CAPACITIES = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")


def use_cpu_threads(num_threads: int) -> None:
    """Compute with that many threads, which sleep while they wait.

    Args:
        num_threads: Threads; 0 takes every core this process may use.

    What the environment says of the shapes that are kept (``LRU_CACHE_CAPACITY``, PyTorch's, and
    ``ONEDNN_PRIMITIVE_CACHE_CAPACITY``) holds.
    """
    wanted = num_threads or len(os.sched_getaffinity(0))
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["OMP_NUM_THREADS"] = str(wanted)
    for capacity in _CAPACITIES:
        os.environ.setdefault(capacity, _KEPT_SHAPES)
    import torch

    torch.set_num_threads(wanted)
