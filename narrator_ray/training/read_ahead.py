"""Reading what comes next while the caller is at work with what came before."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Read = TypeVar("_Read")


def read_ahead(
    items: Iterable[_Item], read: Callable[[_Item], _Read], most: int
) -> Iterator[tuple[_Item, _Read, float]]:
    """Every item in order with what was read of it, and the seconds that the caller had to wait.

    Args:
        items: What is to be read.
        read: Reads one of them, in one other thread.
        most: Items that are read before they are asked for.
    """
    remaining = iter(items)
    waiting: deque[tuple[_Item, Future[_Read]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        try:
            while True:
                for item in remaining:
                    waiting.append((item, thread.submit(read, item)))
                    if len(waiting) > most:
                        break
                if not waiting:
                    return
                item, asked = waiting.popleft()
                since_s = time.perf_counter()
                result = asked.result()
                yield item, result, time.perf_counter() - since_s
        finally:
            for _, asked in waiting:
                asked.cancel()
