"""What a model replica computes with."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
from narrator_ray.stages.cpu_threads import use_cpu_threads
use_cpu_threads({wanted})
import ctypes, torch
names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
Memory = type("Memory", (ctypes.Structure,), dict(_fields_=[(name, ctypes.c_size_t) for name in names]))
look = ctypes.CDLL(None).mallinfo2
look.restype = Memory
weight = torch.ones(64, 64, dtype=torch.bfloat16)
held = []
for begin in (100, 200, 400):
    for rows in range(begin, begin + 100):
        torch.nn.functional.linear(torch.ones(rows, 64, dtype=torch.bfloat16), weight)
    held.append(look().uordblks)
print(torch.get_num_threads(), held[-1] - held[0])
"""
"""Multiplies three hundred shapes; prints its threads, and by how many bytes the last two hundred made it grow."""
_MIB = 2**20


def told(wanted: int, **environment: str) -> tuple[int, int]:
    """What a fresh process prints."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith(("_NUM_THREADS", "_CAPACITY"))}
    command = [sys.executable, "-c", PROGRAM.format(wanted=wanted)]
    ended = subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True)
    num_threads, grown = map(int, ended.stdout.split())
    return num_threads, grown


@pytest.mark.parametrize("wanted", [1, 0])
def test_as_many_threads_as_said_or_cores(wanted: int) -> None:
    """0 is every core of this process."""
    assert told(wanted)[0] == (wanted or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("cache", ["LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"])
def test_ever_other_shapes_take_no_more_memory(cache: str) -> None:
    """Unless the environment asks for more to be kept, in either cache."""
    grown = told(1, **{cache: "1024"})[1]
    if grown < _MIB:
        pytest.skip("this CPU's products of bfloat16 are not compiled by shape")
    assert told(1)[1] < grown / 10
