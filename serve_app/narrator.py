"""The narrator's replica: one engine for all requests, each of which is told of its own clips. Knows no Ray.

Requests share the engine's lanes as videos of a batch do; a request that is given up frees its lane.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from narrator_ray.config import Config
from narrator_ray.errors import NarratorError
from narrator_ray.model.adapter_places import prepare_adapters
from narrator_ray.model.context import ClipContext
from narrator_ray.model.presets import Preset, prepare_model
from narrator_ray.narration.job import ClipLabels, ClipResult, NarrationJob
from narrator_ray.records import Clip, Product, Rejection, ScriptLabel, Video
from narrator_ray.runs.work import WorkItem
from narrator_ray.stages.cpu_threads import use_cpu_threads
from narrator_ray.stages.shared_engine import SharedEngine, Told

_STEP = "narrate_clips"
_HEALTH_ID = "health check"


@dataclass(slots=True)
class _Listener:
    """Who waits for a job, and what it has been told already: a job may be begun anew by the engine."""

    call: Callable[[ClipLabels | ClipResult], None]
    known: set[tuple[type, int]] = field(default_factory=set)

    def tell(self, event: ClipLabels | ClipResult) -> None:
        name = (type(event), event.clip_index)
        if name not in self.known:
            self.known.add(name)
            self.call(event)


class Narrator:
    """Narrates for all who ask.

    Args:
        preset: Which model.
        config: Decoding settings, lanes, adapters.
        device: "cpu" or "cuda".
    """

    def __init__(self, preset: Preset, config: Config, device: str) -> None:
        use_cpu_threads(config.run.cpu_threads)
        from narrator_ray.model.narrator import VideoNarrator  # both load torch
        from narrator_ray.narration.engine import NarrationEngine

        model = prepare_model(preset, config.storage)
        options = preset.load.keywords(device)
        options["adapters"] = prepare_adapters(config.model.adapters, config.model.adapters, config.storage)
        narrator = VideoNarrator.load(model.path, device, use_adapter=config.model.use_adapter, **options)
        engine = NarrationEngine(
            narrator,
            config.decoding,
            config.run.narrate_lanes,
            model.spec.prompt,
            config.model.use_storyline,
            self._tell,
        )
        vision = model.spec.vision
        self._health_tokens_ND = np.zeros((vision.num_queries, vision.dim), np.float16)
        self._language = model.spec.languages[0]
        self._listeners: dict[str, _Listener] = {}
        self._numbers = count()
        self._num_told = self._num_told_at_check = 0
        self._shared = SharedEngine(engine, _STEP, self._tell)

    async def narrate(self, item: WorkItem, job: NarrationJob) -> AsyncGenerator[ClipLabels | ClipResult | Rejection]:
        """Labels and narration of each clip the moment they stand; ends after the last, or with a rejection.

        Closing the iterator, or cancelling who waits for it, frees the job's lane.

        Args:
            item: Whose narration it is, for errors.
            job: What is asked. Another call may ask for one of the same id meanwhile, as an ingress does that takes up
                the job of one that died: each hears of all clips, and neither's end is the other's.
        """
        call = replace(job, job_id=f"{job.job_id} #{next(self._numbers)}")
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[ClipLabels | ClipResult | None] = asyncio.Queue()

        def put(event: ClipLabels | ClipResult | None) -> None:
            loop.call_soon_threadsafe(arrived.put_nowait, event)

        self._listeners[call.job_id] = _Listener(put)
        told = self._shared.submit(item, call)
        told.add_done_callback(lambda _: put(None))
        try:
            while (event := await arrived.get()) is not None:
                yield replace(event, job_id=job.job_id)
            outcome: Told = told.result()
            if isinstance(outcome.outcome, Rejection):
                yield outcome.outcome
        finally:
            del self._listeners[call.job_id]
            self._shared.cancel(call.job_id)

    @property
    def num_at_work(self) -> int:
        """Narrations that somebody waits for."""
        return len(self._listeners)

    async def check_health(self) -> None:
        """Narrate two words, unless clips have been narrated since the last check, which shows the same.

        Raises:
            NarratorError: That does not work.
        """
        has_told, self._num_told_at_check = self._num_told > self._num_told_at_check, self._num_told
        if has_told or any(name.startswith(f"{_HEALTH_ID} #") for name in self._listeners):
            return
        video = Video(_HEALTH_ID, "/", Product(_HEALTH_ID), self._language)
        context = ClipContext(self._health_tokens_ND, 0, ())
        labels = ((ScriptLabel.OTHERS,),)
        job = NarrationJob(
            _HEALTH_ID, video.product, video.language, (Clip(0.0, 1.0),), (context,), labels, ((2, 4),), 0
        )
        async for event in self.narrate(WorkItem(video, "", "", "", False, False), job):
            if isinstance(event, Rejection):
                raise NarratorError(f"the narrator cannot narrate: {event.detail}")

    def _tell(self, event: ClipLabels | ClipResult) -> None:
        """On the engine's thread."""
        self._num_told += isinstance(event, ClipResult)
        if (listener := self._listeners.get(event.job_id)) is not None:
            listener.tell(event)
