"""Works on jobs that nobody works on, as long as its replica lives. Knows neither HTTP nor Ray."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from narrator_ray.errors import StorageError
from serve_app.events import Event, FramesEncoded, Narrated
from serve_app.jobs import Job, JobBook, JobState
from serve_app.problems import Problem, internal_error, timed_out
from serve_app.video_file import Upload
from serve_app.way import Way

BEAT_S = 1.0
"""How often a worker is heard of, looks whether its job is still wanted, and, when it has none, for one."""
_LOG = logging.getLogger(__name__)


class _Told:
    """How far a job is, by what has been told of it."""

    def __init__(self) -> None:
        self.state = JobState("working", time.time())

    def hear(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, FramesEncoded):
            self.state = replace(self.state, num_clips=len(event.clips))
        elif isinstance(event, Narrated):
            self.state = replace(self.state, num_told=self.state.num_told + 1)

    def failed(self, problem: Problem) -> JobState:
        """The state of a job that came to this."""
        return replace(self.state, status="failed", problem=problem.to_json())


class JobRunner:
    """Takes jobs from the book and has them narrated.

    Args:
        book: The jobs.
        way: Narrates videos.
        most: Jobs at once.
        timeout_s: Seconds after which a job has failed.
    """

    def __init__(self, book: JobBook, way: Way, most: int, timeout_s: float) -> None:
        self._book = book
        self._way = way
        self._most = most
        self._timeout_s = timeout_s
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is a new job."""
        self._news.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Works as long as it is inside."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._most):
                workers.create_task(self._take())

    async def _take(self) -> None:
        """One job after another. Where they are kept may fail for a while; then they are begun anew."""
        while True:
            try:
                job = await asyncio.to_thread(self._book.claim)
                if job is not None:
                    await self._work(job)
                    continue
                await asyncio.to_thread(self._book.sweep)
            except StorageError as error:
                _LOG.warning("jobs cannot be read or written: %s", error)
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), BEAT_S)

    async def _work(self, job: Job) -> None:
        """Have a job narrated, and note how far it is; give it up when nobody wants it any more."""
        told = _Told()
        narrating = asyncio.create_task(self._narrate(job, told))
        try:
            while not narrating.done():
                await asyncio.to_thread(self._book.hear, job.name, told.state)
                if await asyncio.to_thread(self._book.is_cancelled, job.name):
                    narrating.cancel()
                await asyncio.wait({narrating}, timeout=BEAT_S)
        finally:
            narrating.cancel()
        await asyncio.to_thread(self._book.end, job.name, _end_of(job, narrating, told))

    async def _narrate(self, job: Job, told: _Told) -> JobState:
        try:
            async with asyncio.timeout(self._timeout_s):
                with tempfile.TemporaryFile(prefix="narrator-ray-") as file:
                    await asyncio.to_thread(self._book.copy_video, job.name, file)
                    path = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
                    upload = Upload(path, job.version, job.num_bytes)
                    async with aclosing(self._way.narrate(job.asked, upload, job.caller)) as events:
                        async for event in events:
                            told.hear(event)
        except TimeoutError:
            return told.failed(timed_out(self._timeout_s))
        except Problem as problem:
            return told.failed(problem)
        return replace(told.state, status="done")


def _end_of(job: Job, narrating: asyncio.Task[JobState], told: _Told) -> JobState:
    """What a job came to; an error that nobody foresaw ends it and no other."""
    if narrating.cancelled():
        return JobState("cancelled", time.time())
    if (unforeseen := narrating.exception()) is not None:
        _LOG.error("job %s failed", job.name, exc_info=unforeseen)
        return told.failed(internal_error())
    return narrating.result()
