"""The way of one video, from an upload to its result: the batch job's functions in the batch job's order.

Decoding happens here, in child processes; the encoder and the narrator are asked, wherever they are. Knows neither HTTP
nor Ray, and loads no torch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from narrator_ray.config import Config
from narrator_ray.errors import ItemError
from narrator_ray.model.context import ClipContext, prepare_context
from narrator_ray.model.model_dir import ModelSpec
from narrator_ray.narration.clip_narration import clip_narration, narration_job
from narrator_ray.narration.job import ENGINE_VERSION, ClipLabels, ClipResult, NarrationJob
from narrator_ray.narration.prompt import PROMPT_VERSION
from narrator_ray.outputs.keys import features_key, narration_key
from narrator_ray.records import NarratedVideo, Narration, Rejection
from narrator_ray.runs.work import Fingerprints, WorkItem
from narrator_ray.schema import VideoFeatures
from narrator_ray.video.frames import SampledFrames
from narrator_ray.video.probe import VideoInfo
from serve_app.asked import Asked
from serve_app.decoders import Decoders
from serve_app.events import Accepted, ClipsFound, Done, Event, FramesEncoded, Labelled, Narrated
from serve_app.problems import FieldProblem, internal_error, invalid_request, problem_of
from serve_app.results import KeptResult, Results
from serve_app.rewriting import Rewriting, check_rewriting, rewriting_job, rewritten
from serve_app.video_file import Upload

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
Frames = npt.NDArray[np.uint8]
Tokens = npt.NDArray[np.float16]


class Encodes(Protocol):
    """Where pictures are looked at."""

    async def encode(self, item: WorkItem, frames_TCHW: Frames) -> Tokens | Rejection:
        """Frames [T, 3, S, S] to tokens [T, Q, D]."""
        ...


class Narrates(Protocol):
    """Where narrations are written."""

    def narrate(self, item: WorkItem, job: NarrationJob) -> AsyncGenerator[ClipLabels | ClipResult | Rejection]:
        """Labels and narration of each clip the moment they stand; ends after the last, or with a rejection."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """What the way needs to know of the model.

    Attributes:
        name: Name of its preset.
        spec: What it declares of itself.
        adapters: Fingerprint of every adapter by name.
    """

    name: str
    spec: ModelSpec
    adapters: dict[str, str]

    @property
    def fingerprints(self) -> Fingerprints:
        """What results depend on besides the request and the settings."""
        prompt = f"{PROMPT_VERSION}:{self.spec.prompt or 'default'}+{ENGINE_VERSION}"
        prints = self.spec.fingerprints
        return Fingerprints(prints.encoder, prints.narrator, prompt, self.adapters)


class Way:
    """Narrates uploads.

    Args:
        config: Settings of the batch job.
        model: The model that encoder and narrator have.
        decoders: Where videos are decoded.
        encoder: Where pictures are looked at.
        narrator: Where narrations are written.
        results: Where results are kept.
        max_clips: Most clips of a video.
    """

    def __init__(
        self,
        config: Config,
        model: Model,
        decoders: Decoders,
        encoder: Encodes,
        narrator: Narrates,
        results: Results,
        max_clips: int,
    ) -> None:
        self._config = config
        self._model = model
        self._decoders = decoders
        self._encoder = encoder
        self._narrator = narrator
        self._results = results
        self._max_clips = max_clips

    async def narrate(self, asked: Asked, upload: Upload, caller: str) -> AsyncGenerator[Event]:
        """Tell what happens to a video, up to its result, which is kept for its caller.

        Raises:
            Problem: It cannot be narrated.
        """
        config = asked.config(self._config)
        item = work_item(asked, upload.version, config, self._model.fingerprints)
        yield Accepted(asked.row.video_id, self._model.name, upload.num_bytes)
        try:
            info, clips = await self._decoders.split(upload.path, asked.row.clips, config)
            self._check_clips(len(clips))
            yield ClipsFound(info.duration_s, info.width_px, info.height_px, clips)
            sampled = await self._decoders.sample(
                upload.path, info, clips, config.frames.fps, self._model.spec.vision.image_size_px
            )
            tokens_TQD = _there(await self._encoder.encode(item, sampled.frames_TCHW))
            features = self._features(item, info, sampled, tokens_TQD, config)
            contexts = await asyncio.to_thread(prepare_context, features, config.model)
            job = narration_job(
                item.video.video_id, item.narration_key, item.video, features.clips, contexts, config.length
            )
            yield _encoded(features, job)
            done = list[Narration]()
            notes = list[str](features.notes)
            async with aclosing(self._narrator.narrate(item, job)) as telling:
                async for told in telling:
                    if isinstance(told, Rejection):
                        raise ItemError(told.reason, told.detail)
                    if isinstance(told, ClipLabels):
                        yield Labelled(told)
                        continue
                    done.append(_narration(told, job, features, contexts, config))
                    notes += told.notes
                    yield Narrated(done[-1])
            if len(done) < len(job.clips):
                _LOG.error("%s: the narrator ended after %s of %s clips", job.job_id, len(done), len(job.clips))
                raise internal_error()
        except ItemError as error:
            raise problem_of(error) from error
        result = self._result(item, features, tuple(done), tuple(notes))
        await asyncio.to_thread(self._results.put, KeptResult(caller, asked, upload.version, result, features))
        yield Done(result)

    async def kept(self, name: str, caller: str) -> KeptResult:
        """A result of that caller.

        Raises:
            Problem: There is none.
        """
        return await asyncio.to_thread(self._results.get, name, caller)

    async def rewrite(self, kept: KeptResult, index: int, wanted: Rewriting) -> Narration:
        """Narrate one clip anew; no picture is looked at again. The result is kept as changed.

        Raises:
            Problem: It cannot be narrated like that.
        """
        check_rewriting(wanted, kept.result)
        config = kept.asked.config(self._config)
        item = work_item(kept.asked, kept.version, config, self._model.fingerprints)
        contexts = await asyncio.to_thread(prepare_context, kept.features, config.model)
        try:
            job = rewriting_job(wanted, index, kept, contexts, config)
            narration = await self._retold(item, job, kept.features, contexts, config)
        except ItemError as error:
            raise problem_of(error) from error
        await asyncio.to_thread(self._results.change, rewritten(kept, wanted, narration))
        return narration

    async def _retold(
        self,
        item: WorkItem,
        job: NarrationJob,
        features: VideoFeatures,
        contexts: tuple[ClipContext, ...],
        config: Config,
    ) -> Narration:
        async with aclosing(self._narrator.narrate(item, job)) as telling:
            async for told in telling:
                if isinstance(told, Rejection):
                    raise ItemError(told.reason, told.detail)
                if isinstance(told, ClipResult):
                    return _narration(told, job, features, contexts, config)
        raise internal_error()

    def _check_clips(self, num_clips: int) -> None:
        if num_clips > self._max_clips:
            detail = (
                f"it has {num_clips} clips; at most {self._max_clips} are narrated (limits.max_clips): give `clips`"
            )
            raise invalid_request([FieldProblem("video", detail)])

    def _features(
        self, item: WorkItem, info: VideoInfo, sampled: SampledFrames, tokens_TQD: Tokens, config: Config
    ) -> VideoFeatures:
        return VideoFeatures(
            clips=sampled.clips,
            clip_index_T=sampled.clip_index_T,
            time_s_T=sampled.time_s_T,
            tokens_TQD=tokens_TQD,
            thumbnails_jpeg=sampled.thumbnails_jpeg,
            duration_s=info.duration_s,
            fps=config.frames.fps,
            decoder=sampled.decoder,
            encoder_fingerprint=self._model.spec.fingerprints.encoder,
            source_version=item.source_version,
            notes=sampled.notes,
        )

    def _result(
        self, item: WorkItem, features: VideoFeatures, done: tuple[Narration, ...], notes: tuple[str, ...]
    ) -> NarratedVideo:
        return NarratedVideo(
            video_id=item.video.video_id,
            key=item.narration_key,
            features_key=item.features_key,
            uri=item.video.uri,
            product=item.video.product,
            language=item.video.language,
            narrations=done,
            decoder=features.decoder,
            duration_s=features.duration_s,
            model=self._model.name,
            notes=notes,
        )


def work_item(asked: Asked, version: str, config: Config, prints: Fingerprints) -> WorkItem:
    """What is known of a video before any work: its keys, made as the batch job makes them.

    Args:
        asked: The request.
        version: Version of the video's bytes.
        config: Settings, the request's own included.
        prints: Fingerprints of the model.
    """
    its_features = features_key(asked.row, version, config, prints.encoder)
    key = narration_key(asked.row, its_features, config, prints.narrator, prints.prompt, prints.adapters)
    return WorkItem(asked.row, version, its_features, key, has_features=False, has_narration=False)


def _there(outcome: _T | Rejection) -> _T:
    """What came of a step, or the error that it came to."""
    if isinstance(outcome, Rejection):
        raise ItemError(outcome.reason, outcome.detail)
    return outcome


def _encoded(features: VideoFeatures, job: NarrationJob) -> FramesEncoded:
    frames = [features.frames_of(index) for index in range(len(features.clips))]
    posters = tuple(features.thumbnails_jpeg[its_frames[len(its_frames) // 2]] for its_frames in frames)
    return FramesEncoded(features.clips, job.windows, tuple(map(len, frames)), posters)


def _narration(
    told: ClipResult, job: NarrationJob, features: VideoFeatures, contexts: tuple[ClipContext, ...], config: Config
) -> Narration:
    index = told.clip_index
    kept_s = features.time_s_T[list(contexts[index].kept_indices)].tolist()
    return clip_narration(told, job, len(features.frames_of(index)), kept_s, config.length)
