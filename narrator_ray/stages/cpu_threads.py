"""How many CPU threads a model replica computes with, and how they wait.

Threads of one matrix product wait for each other. By default they spin, and when another process wants the core, every
wait lasts a time slice: a narrator beside a busy process became more than five times slower. Threads that sleep while
they wait do not. Only takes effect before torch is imported, which workers do when they build their first model.
"""

from __future__ import annotations

import os


def use_cpu_threads(num_threads: int) -> None:
    """Compute with that many threads, which sleep while they wait.

    Args:
        num_threads: Threads; 0 takes every core this process may use.
    """
    wanted = num_threads or len(os.sched_getaffinity(0))
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["OMP_NUM_THREADS"] = str(wanted)
    import torch

    torch.set_num_threads(wanted)
