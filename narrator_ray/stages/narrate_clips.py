"""Stage narrate_clips: contexts to narrations, each video's result stored the moment its last clip is done.

An actor pool; each actor holds one language model, and is called by several threads with a few videos each. One engine
narrates the videos of all calls side by side, so lanes stay full from batch to batch; the calls wait for their videos
and write the results, so the engine never waits for storage. A killed run loses only the videos in flight.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import as_completed
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from narrator_ray.config import Config
from narrator_ray.model.adapter_places import prepare_adapters
from narrator_ray.model.context import ClipContext
from narrator_ray.model.presets import Preset, prepare_model
from narrator_ray.narration.clip_narration import clip_narration, narration_job
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, NarratedVideo, Narration, Rejection
from narrator_ray.schema import PLANNED, PREPARED
from narrator_ray.stages.cpu_threads import use_cpu_threads
from narrator_ray.stages.item import Row, StageRow, attempt, rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter
from narrator_ray.stages.shared_engine import SharedEngine, Told
from narrator_ray.stages.stopwatch import Stopwatch

NARRATE_CLIPS = "narrate_clips"
INPUT = PREPARED
OUTPUT = PLANNED


class NarrateClips:
    """One replica of the narrator.

    Args:
        preset: Which model.
        store: Where results go.
        config: Length and decoding settings.
        device: "cpu" or "cuda".
        board: Progress board.
        adapters: Names of the adapters that the run's videos use; where they lie is in the configuration.
    """

    def __init__(
        self,
        preset: Preset,
        store: ResultStore,
        config: Config,
        device: str,
        board: Any,
        adapters: Sequence[str] = (),
    ) -> None:
        use_cpu_threads(config.run.cpu_threads)
        from narrator_ray.model.narrator import VideoNarrator  # both load torch
        from narrator_ray.narration.engine import NarrationEngine

        model, lanes = prepare_model(preset, config.storage), config.run.narrate_lanes
        options = preset.load.keywords(device)
        options["adapters"] = prepare_adapters(config.model.adapters, adapters, config.storage)
        narrator = VideoNarrator.load(model.path, device, use_adapter=config.model.use_adapter, **options)
        engine = NarrationEngine(narrator, config.decoding, lanes, model.spec.prompt, config.model.use_storyline)
        self._model = preset.name
        self._store = store
        self._config = config
        self._progress = ProgressReporter(board, NARRATE_CLIPS)
        self._engine = SharedEngine(engine, NARRATE_CLIPS, lambda _: self._progress.add_clips(1))

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of INPUT to table of OUTPUT; may be called by several threads at once."""
        rows = rows_of(batch)
        jobs = [(row, job) for row in rows if (job := row.run(NARRATE_CLIPS, partial(self._job, row))) is not None]
        for row in rows:
            if row.rejection is not None and NARRATE_CLIPS in row.costs:
                self._progress.finish(row)
        waiting = {self._engine.submit(row.work, job): row for row, job in jobs}
        for told in as_completed(waiting):
            self._finish(waiting[told], told.result())
        return table_of((row.output() for row in rows), OUTPUT)

    def _job(self, row: StageRow) -> NarrationJob:
        columns = row.columns
        clips = tuple(Clip(start, end) for start, end in columns["clips"])
        contexts = tuple(
            ClipContext(np.frombuffer(tokens, np.float16).reshape(-1, columns["token_dim"]), position, ())
            for tokens, position in zip(columns["tokens"], columns["position"], strict=True)
        )
        key = row.work.narration_key
        return narration_job(key, key, row.work.video, clips, contexts, self._config.length)

    def _finish(self, row: StageRow, told: Told) -> None:
        """Store what was told of a video, and note what came of it."""
        watch = Stopwatch(of_thread=True)
        result: bool | Rejection
        if isinstance(told.outcome, Rejection):
            result = told.outcome
        else:
            narrated = self._result(row, told.outcome, told.job)
            result = attempt(row.work, NARRATE_CLIPS, partial(self._store.put_narration, narrated))
        row.finish(NARRATE_CLIPS, result, told.cost + watch.cost())
        self._progress.finish(row)

    def _result(self, row: StageRow, done: Sequence[ClipResult], job: NarrationJob) -> NarratedVideo:
        work, columns = row.work, row.columns
        return NarratedVideo(
            video_id=work.video.video_id,
            key=work.narration_key,
            features_key=work.features_key,
            uri=work.video.uri,
            product=work.video.product,
            language=work.video.language,
            narrations=tuple(self._narration(result, job, columns) for result in done),
            decoder=columns["decoder"],
            duration_s=columns["duration_s"],
            model=self._model,
            notes=(*columns["notes"], *(note for result in done for note in result.notes)),
        )

    def _narration(self, result: ClipResult, job: NarrationJob, columns: Row) -> Narration:
        index = result.clip_index
        seen = columns["num_frames"][index], columns["kept_frames_s"][index]
        return clip_narration(result, job, *seen, self._config.length)
