"""Replicas of the narrator that come with clients and go when they have gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from serving_client import Film, client_session, under_load

SHORT_DELAYS: dict[str, Any] = {
    "least": 1,
    "most": 2,
    "target_ongoing": 2,
    "upscale_delay_s": 1,
    "downscale_delay_s": 5,
}
"""Settings of the narrator, beside which a usual client would wait for minutes."""
_CLIENTS, _POLL_S, _PATIENCE_S = 8, 0.2, 300.0


async def show_scaling(address: str, films: Sequence[Film]) -> None:
    """Print when the second replica runs, and when it has gone again."""
    async with client_session(address) as session:
        async with under_load(session, films, _CLIENTS) as load:
            up_s = await _seconds_until(2)
        endings = load.endings
        down_s = await _seconds_until(1)
    print(
        f"\n{_CLIENTS} clients: a second narrator runs after {up_s:.1f} s; none waits: it has gone after {down_s:.1f} s"
    )
    print(f"{len(endings)} films, {endings.count('done')} of them narrated to the end", flush=True)


async def _seconds_until(number: int) -> float:
    """Until so many replicas run, and no other is there."""
    from ray import serve

    started_s = time.monotonic()
    while time.monotonic() < started_s + _PATIENCE_S:
        states = serve.status().applications["default"].deployments["narrator"].replica_states
        if {str(getattr(state, "value", state)): count for state, count in states.items()} == {"RUNNING": number}:
            return time.monotonic() - started_s
        await asyncio.sleep(_POLL_S)
    raise TimeoutError(f"not {number} narrators after {_PATIENCE_S:g} s")
