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
        on_clip: Called on that thread when a clip is told.
    """

    def __init__(self, engine: Narrates, stage: str, on_clip: Callable[[], None]) -> None:
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

    def _serve(self) -> None:
        """Narrate until nobody waits; after an error that no video owned up to, those at work one by one."""
        try:
            while self._waiting:
                together = attempt(self._waiting[0].work, self._stage, lambda: self._tell(self._arriving()))
                if isinstance(together, Rejection):
                    self._tell_apart()
        except NarratorError as error:
            with self._lock:
                stopped = tuple(self._known.values())
                for videos in (self._known, self._waiting, self._at_work):
                    videos.clear()
            for telling in stopped:
                telling.future.set_exception(error)

    def _tell_apart(self) -> None:
        if self._waiting and not self._at_work:
            self._admit(self._waiting.popleft())  # or an engine that fails before it begins would be asked for ever
        suspects = tuple(self._at_work.values())
        for telling in suspects:
            self._leave(telling)
        for telling in suspects:
            telling.clips.clear()
            alone = attempt(telling.work, self._stage, partial(self._tell, [self._admit(telling)]))
            if isinstance(alone, Rejection):
                self._end(telling, alone)

    def _tell(self, jobs: Iterable[NarrationJob | None]) -> None:
        for event in self._engine.narrate(jobs):
            telling = self._at_work[event.job_id]
            if isinstance(event, JobFailure):
                self._end(telling, rejection_of(telling.work, self._stage, event.error))
                continue
            self._on_clip()
            telling.clips.append(event)
            if len(telling.clips) == len(telling.job.clips):
                self._end(telling, tuple(telling.clips))

    def _arriving(self) -> Iterator[NarrationJob | None]:
        """Videos as they come, until none waits and none is at work; None while others are at work."""
        while self._waiting or self._at_work:
            yield self._admit(self._waiting.popleft()) if self._waiting else None

    def _admit(self, telling: _Telling) -> NarrationJob:
        self._watch.join(telling.job.job_id)
        self._at_work[telling.job.job_id] = telling
        return telling.job

    def _end(self, telling: _Telling, outcome: tuple[ClipResult, ...] | Rejection) -> None:
        self._leave(telling)
        del self._known[telling.job.job_id]
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
