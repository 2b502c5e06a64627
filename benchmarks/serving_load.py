"""How long clients wait, and how much they get together, when more and more of them ask at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from serving_client import Film, Told, client_session, narrate

_PERCENTILES = (50, 95, 99)
_FEWEST_REQUESTS, _REQUESTS_PER_CLIENT = 12, 6


async def clips_per_second(address: str, films: Sequence[Film], clients: Sequence[int]) -> dict[int, float]:
    """Print a line for each number of clients; clips/s by that number."""
    heads = [f"{what} p{percentile}" for what in ("first", "end") for percentile in _PERCENTILES]
    print(
        f"{'clients':>7}{'films':>7}{'clips':>7}{'clips/s':>9}" + "".join(f"{head:>11}" for head in heads), flush=True
    )
    await _ask_all(address, films[:2], 2)  # the first of all pay for what is made once
    return {number: await _level(address, films, number) for number in clients}


async def _level(address: str, films: Sequence[Film], num_clients: int) -> float:
    """So many clients, each with one request at a time; few clients get through the first films only."""
    asked = films[: max(_FEWEST_REQUESTS, _REQUESTS_PER_CLIENT * num_clients)]
    started_s = time.monotonic()
    told = await _ask_all(address, asked, num_clients)
    took_s = time.monotonic() - started_s
    if failed := [item for item in told if item.ending != "done"]:
        raise RuntimeError(f"{len(failed)} of {len(told)} requests failed: {failed[0].ending} {failed[0].detail}")
    num_clips = sum(len(item.clips_s) for item in told)
    waits = [
        np.percentile([getattr(item, name) for item in told], _PERCENTILES) for name in ("first_clip_s", "whole_s")
    ]
    row = f"{num_clients:>7}{len(told):>7}{num_clips:>7}{num_clips / took_s:>9.2f}"
    print(row + "".join(f"{wait:>9.1f} s" for wait in np.concatenate(waits)), flush=True)
    return num_clips / took_s


async def _ask_all(address: str, films: Sequence[Film], num_clients: int) -> list[Told]:
    told: list[Told] = []
    waiting = iter(films)

    async def ask() -> None:
        told.extend([await narrate(session, film) for film in waiting])

    async with client_session(address) as session, asyncio.TaskGroup() as clients:
        for _ in range(num_clients):
            clients.create_task(ask())
    return told
