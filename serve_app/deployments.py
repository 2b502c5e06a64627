"""Where the parts of the endpoint run: the Ray Serve deployments, and how the ingress reaches the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from narrator_ray.model.presets import Preset
from narrator_ray.narration.job import ClipLabels, ClipResult, NarrationJob
from narrator_ray.records import Rejection
from narrator_ray.runs.work import WorkItem
from serve_app.asked import Abilities
from serve_app.decoders import Decoders
from serve_app.encoder import Encoder
from serve_app.http import Endpoint, make_app
from serve_app.job_runner import JobRunner
from serve_app.jobs import JobBook
from serve_app.narrator import Narrator
from serve_app.place import open_place
from serve_app.problems import busy, unavailable
from serve_app.results import Results
from serve_app.settings import ServeSettings
from serve_app.way import Model, Way

_GONE = (RayActorError, DeploymentUnavailableError, ReplicaUnavailableError)
_READY_PATIENCE_S = 5.0
_MOST_TRIES = 3


class EncoderReplica:
    """See :class:`serve_app.encoder.Encoder`."""

    def __init__(self, preset: Preset, settings: ServeSettings, device: str) -> None:
        self._encoder = Encoder(preset, settings.config, device)

    async def encode(self, item: WorkItem, frames_TCHW: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16] | Rejection:
        """See :meth:`serve_app.encoder.Encoder.encode`."""
        return await self._encoder.encode(item, frames_TCHW)

    async def is_ready(self) -> bool:
        """Whether the model is loaded: a replica answers when it is."""
        return True

    async def check_health(self) -> None:
        """Asked by Serve; raising has the replica replaced."""
        await self._encoder.check_health()


class NarratorReplica:
    """See :class:`serve_app.narrator.Narrator`."""

    def __init__(self, preset: Preset, settings: ServeSettings, device: str) -> None:
        self._narrator = Narrator(preset, settings.config, device)

    async def narrate(self, item: WorkItem, job: NarrationJob) -> AsyncGenerator[ClipLabels | ClipResult | Rejection]:
        """See :meth:`serve_app.narrator.Narrator.narrate`."""
        async with aclosing(self._narrator.narrate(item, job)) as telling:
            async for event in telling:
                yield event

    async def num_at_work(self) -> int:
        """See :attr:`serve_app.narrator.Narrator.num_at_work`."""
        return self._narrator.num_at_work

    async def is_ready(self) -> bool:
        """Whether the model is loaded: a replica answers when it is."""
        return True

    async def check_health(self) -> None:
        """Asked by Serve; raising has the replica replaced."""
        await self._narrator.check_health()


@serve.ingress()
class Ingress:
    """HTTP, uploads, decoding, and the way of every video; loads no torch."""

    def __init__(
        self,
        preset: Preset,
        model: Model,
        settings: ServeSettings,
        encoder: DeploymentHandle[Any],
        narrator: DeploymentHandle[Any],
    ) -> None:
        self._preset = preset
        self._model = model
        self._settings = settings
        self._encoder = RemoteEncoder(encoder)
        self._narrator = RemoteNarrator(narrator)

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Asked by Serve once the replica is there."""
        settings, config, limits = self._settings, self._settings.config, self._settings.limits
        decoders = Decoders(config.decode, settings.decoders)
        results = Results(open_place(settings.results, "results", config.storage), settings.keep_results_s)
        jobs = JobBook(
            open_place(settings.results, "jobs", config.storage), settings.keep_jobs_s, settings.job_silence_s
        )
        way = Way(config, self._model, decoders, self._encoder, self._narrator, results, limits.max_clips)
        abilities = Abilities(self._preset.languages, self._model.adapters, limits.max_clips)
        runner = JobRunner(jobs, way, settings.jobs_at_once, limits.job_timeout_s)
        return make_app(Endpoint(way, jobs, runner, self._preset, abilities, settings, self._is_ready))

    async def _is_ready(self) -> bool:
        answers = asyncio.gather(self._encoder.is_ready(), self._narrator.is_ready())
        try:
            return all(await asyncio.wait_for(answers, _READY_PATIENCE_S))
        except (*_GONE, TimeoutError):
            return False


class RemoteEncoder:
    """The encoder's replicas. A frame may be looked at twice, so a replica that dies costs a second try."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def encode(self, item: WorkItem, frames_TCHW: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16] | Rejection:
        """See :meth:`serve_app.way.Encodes.encode`."""
        for _ in range(_MOST_TRIES):
            try:
                outcome: npt.NDArray[np.float16] | Rejection = await self._handle.encode.remote(item, frames_TCHW)
            except _GONE:
                continue
            except BackPressureError as error:
                raise busy("more pictures wait than the encoder takes") from error
            return outcome
        raise unavailable("the encoder's process ended, more than once")

    async def is_ready(self) -> bool:
        """Whether a replica answers."""
        return bool(await self._handle.is_ready.remote())


class RemoteNarrator:
    """The narrator's replicas. When one dies, another tells the video anew; what has been told is not told again."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle
        self._streaming = handle.options(stream=True)

    async def narrate(self, item: WorkItem, job: NarrationJob) -> AsyncGenerator[ClipLabels | ClipResult | Rejection]:
        """See :meth:`serve_app.way.Narrates.narrate`."""
        known = set[tuple[type, int]]()
        for _ in range(_MOST_TRIES):
            response: Any = self._streaming.narrate.remote(item, job)
            has_ended = False
            try:
                async for event in response:
                    name = (type(event), -1 if isinstance(event, Rejection) else event.clip_index)
                    if name not in known:
                        known.add(name)
                        yield event
                has_ended = True
            except _GONE:
                continue
            except BackPressureError as error:
                raise busy("more videos wait than the narrator takes") from error
            finally:
                if not has_ended:
                    response.cancel()
            return
        raise unavailable("the narrator's process ended, more than once")

    async def is_ready(self) -> bool:
        """Whether a replica answers."""
        return bool(await self._handle.is_ready.remote())
