"""A few decoders for many requests: each is a child process and works on one video at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from narrator_ray.config import Config, DecodeSettings
from narrator_ray.records import Clip
from narrator_ray.video.frames import SampledFrames
from narrator_ray.video.guarded_decoder import GuardedDecoder
from narrator_ray.video.probe import VideoInfo

_T = TypeVar("_T")


class Decoders:
    """Splits and samples videos, several at once; more wait.

    Args:
        settings: What a video may cost.
        most: Videos at once.
    """

    def __init__(self, settings: DecodeSettings, most: int) -> None:
        self._all = tuple(GuardedDecoder(settings) for _ in range(most))
        self._free: asyncio.LifoQueue[GuardedDecoder] = asyncio.LifoQueue()
        for decoder in reversed(self._all):
            self._free.put_nowait(decoder)

    async def split(
        self, path: Path, clips: tuple[Clip, ...] | None, config: Config
    ) -> tuple[VideoInfo, tuple[Clip, ...]]:
        """See :meth:`narrator_ray.video.guarded_decoder.GuardedDecoder.split`."""
        return await self._run(lambda decoder: decoder.split(path, clips, config.clips, config.frames))

    async def sample(
        self, path: Path, info: VideoInfo, clips: tuple[Clip, ...], fps: float, image_size_px: int
    ) -> SampledFrames:
        """See :meth:`narrator_ray.video.guarded_decoder.GuardedDecoder.sample`."""
        return await self._run(lambda decoder: decoder.sample(path, info, clips, fps, image_size_px))

    def close(self) -> None:
        """End the child processes."""
        for decoder in self._all:
            decoder.close()

    async def _run(self, step: Callable[[GuardedDecoder], _T]) -> _T:
        decoder = await self._free.get()
        work = asyncio.get_running_loop().run_in_executor(None, step, decoder)

        def release(done: asyncio.Future[_T]) -> None:
            done.exception()  # looked at, or it would be logged where nobody waits any more
            self._free.put_nowait(decoder)

        # A request that is given up meanwhile does not end the step: the decoder is free when it is really done.
        work.add_done_callback(release)
        return await asyncio.shield(work)
