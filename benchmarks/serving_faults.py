"""What clients see when a process of the endpoint is killed under load, and when they leave themselves."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
from serving_app import TITLES, process_of
from serving_client import Film, Load, Told, client_session, form_of, narrate, under_load

_STREAMS, _JOBS, _LEAVERS = 4, 3, 8
_POLL_S, _PATIENCE_S = 0.05, 600.0
_SHORT = {"clips": "[[0, 1.5]]", "storyline": ""}
_LONG = {
    "clips": json.dumps([[n / 2, (n + 1) / 2] for n in range(12)]),
    "windows": json.dumps([[30, 30]] * 12),
    "storyline": "",
}


async def show_faults(address: str, films: Sequence[Film]) -> None:
    """Print a line for every kind of process, killed by SIGKILL while clients and jobs are being served.

    Raises:
        RuntimeError: An accepted job was not done.
    """
    print(f"\n{_STREAMS} clients and {_JOBS} jobs; one process is killed while all clients are being told something")
    print("'usual' and 'after' are seconds from asking to a first clip, before and right after that")
    columns = f"{'usual':>8}{'after':>8}{'jobs done':>11}{'last job':>10}   streams under way; asked until it was back"
    print(f"{'killed':<10}{columns}", flush=True)
    async with client_session(address) as session:
        for role in TITLES:
            print(f"{role:<10}{await _kill_under_load(session, films, role)}", flush=True)
        freed_s = [await _leave(session, films[0].with_fields(**_LONG)) for _ in range(_LEAVERS)]
    shown = f"{statistics.median(freed_s):.2f} s, at most {max(freed_s):.2f} s"
    print(f"\n{_LEAVERS} clients that hang up in the middle: their lane is free after {shown} (median)")


async def _kill_under_load(session: aiohttp.ClientSession, films: Sequence[Film], role: str) -> str:
    short = films[0].with_fields(**_SHORT)
    async with under_load(session, films, _STREAMS) as load:
        usual_s = (await narrate(session, short)).first_clip_s
        jobs = [await _accepted(session, film) for film in films[:_JOBS]]
        await _until(lambda: _is_told_to_all(load), "all clients to be told something")
        under_way = load.under_way
        process_of(role).kill()
        killed_s = time.monotonic()
        back_s = await _served_again(session, short)
    statuses = Counter([await _end_of(session, job) for job in jobs])
    jobs_s = time.monotonic() - killed_s
    if statuses["done"] != _JOBS:
        raise RuntimeError(f"jobs that were accepted came to {dict(statuses)}")
    meanwhile = [told for told in load.told if killed_s < told.sent_s < back_s]
    seconds, done = f"{usual_s:>8.1f}{back_s - killed_s:>8.1f}", f"{statuses['done']}/{_JOBS}"
    return f"{seconds}{done:>11}{jobs_s:>10.1f}   {_endings(under_way)}; {_endings(meanwhile)}"


async def _is_told_to_all(load: Load) -> bool:
    return len(load.under_way) == _STREAMS and all(told.clips_s for told in load.under_way)


async def _served_again(session: aiohttp.ClientSession, film: Film) -> float:
    """When the first clip of a request sent from now on arrives."""
    while True:
        told = await narrate(session, film)
        if told.ending == "done":
            return told.clips_s[0]
        await asyncio.sleep(_POLL_S)


async def _accepted(session: aiohttp.ClientSession, film: Film) -> str:
    """Path of a new job."""
    async with session.post("/v1/jobs", data=form_of(film)) as answer:
        answer.raise_for_status()
        return answer.headers["Location"]


async def _end_of(session: aiohttp.ClientSession, path: str) -> str:
    """How a job ended; whoever is to say so may be away for a while."""
    ended: list[str] = []

    async def has_ended() -> bool:
        try:
            async with session.get(path) as answer:
                status = (await answer.json())["status"] if answer.status == 200 else ""
        except aiohttp.ClientError:
            return False
        ended.append(status)
        return status in ("done", "failed", "cancelled")

    await _until(has_ended, f"the end of {path}")
    return ended[-1]


async def _leave(session: aiohttp.ClientSession, film: Film) -> float:
    """Seconds from hanging up until the narrator is at nothing any more."""
    from ray import serve

    narrator = serve.get_deployment_handle("narrator", "default")
    told = Told()
    listening = asyncio.create_task(narrate(session, film, told))

    async def has_begun() -> bool:
        return bool(told.clips_s)

    await _until(has_begun, "the first clip")
    listening.cancel()
    await asyncio.wait({listening})
    left_s = time.monotonic()

    async def is_idle() -> bool:
        return await narrator.num_at_work.remote() == 0

    await _until(is_idle, "the narrator to stop")
    return time.monotonic() - left_s


def _endings(told: Sequence[Told]) -> str:
    counts = Counter(" ".join(filter(None, (item.ending, item.detail))) for item in told)
    return ", ".join(f"{number} {ending}" for ending, number in counts.most_common()) or "none"


async def _until(look: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not await look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_PATIENCE_S:g} s for {what}")
        await asyncio.sleep(_POLL_S)
