"""One narration engine for all calls of a replica: videos join those that are being narrated already.

A replica is called for a few videos at a time, by several threads at once. Were each call narrated by itself, lanes
would fall empty while its longest video ends. Here an engine on a thread of its own takes whatever waits, from all
calls, the moment a lane is free. Knows no Ray.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Protocol

from narrator_ray.cost import NO_COST, StageCost
from narrator_ray.errors import NarratorError
from narrator_ray.narration.job import ClipResult, JobFailure, NarrationJob
from narrator_ray.records import Rejection
from narrator_ray.runs.work import WorkItem
from narrator_ray.stages.item import attempt, rejection_of
from narrator_ray.stages.stopwatch import SharedStopwatch


class Narrates(Protocol):
    """What is needed of a narration engine."""

    def narrate(self, jobs: Iterable[NarrationJob | None]) -> Iterator[ClipResult | JobFailure]:
        """See :meth:`narrator_ray.narration.engine.NarrationEngine.narrate`."""
        ...

    def cancel(self, job_id: str) -> None:
        """See :meth:`narrator_ray.narration.engine.NarrationEngine.cancel`."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """How the narration of one video ended.

    Attributes:
        job: What was asked for.
        outcome: Its clips in order, or why there are none.
        cost: What the engine took for it, with clips and tokens; what was narrated side by side is shared evenly.
    """

    job: NarrationJob
    outcome: tuple[ClipResult, ...] | Rejection
    cost: StageCost


@dataclass(slots=True, eq=False)
class _Telling:
    """A video that waits or is narrated.

    Attributes:
        work: Whose result it will be.
        job: What was asked for.
        future: Where the caller waits.
        clips: Told so far.
        cost: What the engine took for it so far.
    """

    work: WorkItem
    job: NarrationJob
    future: Future[Told] = field(default_factory=Future)
    clips: list[ClipResult] = field(default_factory=list)
    cost: StageCost = NO_COST


class SharedEngine:
    """Narrates for all who ask, on one thread.

    Args:
        engine: Used by that thread only.
        stage: Name of the stage, for rejections.
        on_clip: Called on that thread with each clip that is told; again where videos are begun anew after an error.
    """

    def __init__(self, engine: Narrates, stage: str, on_clip: Callable[[ClipResult], None]) -> None:
        self._engine = engine
        self._stage = stage
        self._on_clip = on_clip
        self._thread = ThreadPoolExecutor(1, "narration-engine")
        self._lock = Lock()
        self._known: dict[str, _Telling] = {}
        self._waiting: deque[_Telling] = deque()
        self._at_work: dict[str, _Telling] = {}
        self._watch = SharedStopwatch()

    def submit(self, work: WorkItem, job: NarrationJob) -> Future[Told]:
        """Ask for a video; safe to call from any thread. One that is asked for again meanwhile is narrated once.

        Returns:
            How it ended. Raises NarratorError where something that is not one video's fault stopped the engine.
        """
        telling = _Telling(work, job)
        with self._lock:
            known = self._known.setdefault(job.job_id, telling)
            if known is telling:
                self._waiting.append(telling)
                self._thread.submit(self._serve)
        return known.future

    def cancel(self, job_id: str) -> None:
        """Stop narrating a video: its future is cancelled and its lane falls free. Safe to call from any thread.

        Of a video that has ended already there is nothing to stop.
        """
        with self._lock:
            telling = self._known.pop(job_id, None)
            if telling is None:
                return
            if telling in self._waiting:
                self._waiting.remove(telling)
            else:
                self._engine.cancel(job_id)
        telling.future.cancel()

    def _serve(self) -> None:
        """Narrate until nobody waits; after an error that no video owned up to, those at work one by one."""
        try:
            while (first := self._first_waiting()) is not None:
                together = attempt(first.work, self._stage, lambda: self._tell(self._arriving()))
                if isinstance(together, Rejection):
                    self._tell_apart()
        except NarratorError as error:
            with self._lock:
                stopped = tuple(self._known.values())
                for videos in (self._known, self._waiting, self._at_work):
                    videos.clear()
            for telling in stopped:
                telling.future.set_exception(error)

    def _first_waiting(self) -> _Telling | None:
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def _tell_apart(self) -> None:
        if not self._at_work:
            self._admit_next()  # or an engine that fails before it begins would be asked for ever
        self._drop_cancelled()
        suspects = tuple(self._at_work.values())
        for telling in suspects:
            self._leave(telling)
        for telling in suspects:
            telling.clips.clear()
            alone = attempt(telling.work, self._stage, partial(self._tell, [self._admit(telling)]))
            if isinstance(alone, Rejection):
                self._end(telling, alone)
            self._drop_cancelled()

    def _tell(self, jobs: Iterable[NarrationJob | None]) -> None:
        for event in self._engine.narrate(jobs):
            telling = self._at_work.get(event.job_id)
            if telling is None:  # cancelled a moment ago
                continue
            if isinstance(event, JobFailure):
                self._end(telling, rejection_of(telling.work, self._stage, event.error))
                continue
            self._on_clip(event)
            telling.clips.append(event)
            if len(telling.clips) == telling.job.num_to_tell:
                self._end(telling, tuple(telling.clips))

    def _arriving(self) -> Iterator[NarrationJob | None]:
        """Videos as they come, until none waits and none is at work; None while others are at work."""
        while True:
            self._drop_cancelled()
            job = self._admit_next()
            if job is None and not self._at_work:
                return
            yield job

    def _admit_next(self) -> NarrationJob | None:
        with self._lock:
            return self._admit(self._waiting.popleft()) if self._waiting else None

    def _admit(self, telling: _Telling) -> NarrationJob:
        self._watch.join(telling.job.job_id)
        self._at_work[telling.job.job_id] = telling
        return telling.job

    def _drop_cancelled(self) -> None:
        """The engine says nothing more of a video that was cancelled, not even that it ended."""
        for telling in tuple(self._at_work.values()):
            if self._known.get(telling.job.job_id) is not telling:
                self._leave(telling)

    def _end(self, telling: _Telling, outcome: tuple[ClipResult, ...] | Rejection) -> None:
        self._leave(telling)
        with self._lock:
            is_wanted = self._known.pop(telling.job.job_id, None) is not None
        if is_wanted:
            telling.future.set_result(Told(telling.job, outcome, telling.cost + _cost_of(telling.clips)))

    def _leave(self, telling: _Telling) -> None:
        telling.cost += self._watch.leave(telling.job.job_id)
        del self._at_work[telling.job.job_id]


def _cost_of(clips: Sequence[ClipResult]) -> StageCost:
    """Clips of a video and their tokens; seconds are divided among videos."""
    return StageCost(
        num_clips=len(clips),
        tokens_written=sum(result.num_tokens for result in clips),
        tokens_read=sum(result.num_read for result in clips),
        tokens_shared=sum(result.num_shared for result in clips),
    )
