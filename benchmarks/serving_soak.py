"""Memory of the endpoint's processes while clients ask without a pause."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import psutil
from serving_app import TITLES, process_of
from serving_client import Film, client_session, under_load

_CLIENTS, _LOOKS = 8, 20
_COLUMNS = (*TITLES, "decoders")
_MIB = 1 << 20
_WARM_SHARE = 0.25


async def show_memory(address: str, films: Sequence[Film], seconds: float) -> None:
    """Print MiB at intervals, and what each process grew by after the first quarter.

    Of the resident memory, what is shared (libraries, Ray's object store) is left out: pages of the store count for
    everyone who has ever read them.
    """
    seen: list[dict[str, float]] = []
    print(f"\n{_CLIENTS} clients for {seconds:g} s; MiB resident, and in brackets what of it is private")
    print(f"{'s':>6}{'films':>7}" + "".join(f"{name:>15}" for name in _COLUMNS), flush=True)
    started_s = time.monotonic()
    async with client_session(address) as session, under_load(session, films, _CLIENTS) as load:
        for _ in range(_LOOKS):
            await asyncio.sleep(seconds / _LOOKS)
            sizes = {name: _sizes(name) for name in _COLUMNS}
            seen.append({name: private for name, (_, private) in sizes.items()})
            shown = "".join(f"{f'{whole:.0f} ({private:.0f})':>15}" for whole, private in sizes.values())
            print(f"{time.monotonic() - started_s:>6.0f}{len(load.endings):>7}{shown}", flush=True)
    warm = seen[int(_WARM_SHARE * _LOOKS)]
    print("private, last look beside the one after a quarter of the time, MiB:")
    print("  " + ", ".join(f"{name} {seen[-1][name] - warm[name]:+.0f}" for name in _COLUMNS))
    print(f"{len(load.endings)} films, {load.endings.count('done')} of them narrated to the end")


def _sizes(name: str) -> tuple[float, float]:
    """Resident MiB, and those of them that are not shared; of all decoders together."""
    processes = process_of("ingress").children(recursive=True) if name == "decoders" else [process_of(name)]
    whole = private = 0.0
    for process in processes:
        try:
            memory = process.memory_info()
        except psutil.NoSuchProcess:  # a decoder that was replaced a moment ago
            continue
        whole += memory.rss / _MIB
        private += (memory.rss - memory.shared) / _MIB
    return whole, private
