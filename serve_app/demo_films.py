"""Films of the storefront for who has none at hand, drawn when they are first asked for and kept in memory."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from narrator_ray.records import JsonDict

SEEDS = (3, 11, 24)
"""Which films of the storefront."""


class DemoFilms:
    """The films, by their place in the list."""

    def __init__(self) -> None:
        self._drawing: dict[int, asyncio.Task[bytes]] = {}

    async def listed(self) -> list[JsonDict]:
        """Number and product of each."""
        return await asyncio.to_thread(_products)

    async def film(self, number: int) -> bytes | None:
        """An MP4 file; None if there is no such film."""
        if not 0 <= number < len(SEEDS):
            return None
        if number not in self._drawing:
            self._drawing[number] = asyncio.create_task(asyncio.to_thread(_draw, SEEDS[number]))
        return await asyncio.shield(self._drawing[number])


def _products() -> list[JsonDict]:
    from narrator_ray.demo import make_film  # reads its tables when it is imported

    return [
        {"id": number, "product": make_film(seed).to_video("demo", "demo.mp4").product.to_json()}
        for number, seed in enumerate(SEEDS)
    ]


def _draw(seed: int) -> bytes:
    from narrator_ray.demo import draw_video, make_film

    with tempfile.TemporaryDirectory(prefix="narrator-ray-") as folder:
        path = Path(folder) / "film.mp4"
        draw_video(path, make_film(seed).storyboard)
        return path.read_bytes()
