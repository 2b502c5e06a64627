"""Stage narrate_clips: contexts to narrations, each video's result stored the moment its last clip is done.

An actor pool; each actor holds one language model and narrates the videos of a batch side by side. Results are written
here rather than after the stage, so that a killed run loses only the videos in flight.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from narrator_ray.config import Config
from narrator_ray.model.adapter_places import prepare_adapters
from narrator_ray.model.context import ClipContext
from narrator_ray.model.presets import Preset, prepare_model
from narrator_ray.narration.job import ClipResult, JobFailure, NarrationJob
from narrator_ray.narration.length import spoken_windows_for, windows_for
from narrator_ray.narration.speech import TICK_S
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, NarratedVideo, Narration, Rejection
from narrator_ray.schema import PLANNED, PREPARED
from narrator_ray.stages.cpu_threads import use_cpu_threads
from narrator_ray.stages.item import Row, StageRow, attempt, rejection_of, rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter

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
        self._engine = NarrationEngine(narrator, config.decoding, lanes, model.spec.prompt, config.model.use_storyline)
        self._model = preset.name
        self._store = store
        self._config = config
        self._progress = ProgressReporter(board, NARRATE_CLIPS)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of INPUT to table of OUTPUT."""
        rows = rows_of(batch)
        jobs = [job for row in rows if (job := row.run(NARRATE_CLIPS, partial(self._job, row))) is not None]
        rows_by_job = {row.work.narration_key: row for row in rows if row.rejection is None}
        self._narrate(jobs, rows_by_job)
        return table_of((row.output() for row in rows), OUTPUT)

    def _job(self, row: StageRow) -> NarrationJob:
        columns = row.columns
        clips = tuple(Clip(start, end) for start, end in columns["clips"])
        video = row.work.video.with_first_clips(len(clips))  # a file that breaks off has fewer than the catalogue
        contexts = tuple(
            ClipContext(np.frombuffer(tokens, np.float16).reshape(-1, columns["token_dim"]), position, ())
            for tokens, position in zip(columns["tokens"], columns["position"], strict=True)
        )
        return NarrationJob(
            job_id=row.work.narration_key,
            product=video.product,
            language=video.language,
            clips=clips,
            contexts=contexts,
            storyline=video.storyline,
            windows=windows_for(video, clips, self._config.length),
            spoken_windows=spoken_windows_for(video.language, clips, self._config.length),
            seed=int(row.work.narration_key[:8], 16),
            adapter=video.adapter,
        )

    def _narrate(self, jobs: Sequence[NarrationJob], rows: Mapping[str, StageRow]) -> None:
        """All together; after an error that no video owned up to, those that are left one by one."""
        if not jobs:
            return
        waiting = {job.job_id: job for job in jobs}
        together = attempt(rows[jobs[0].job_id].work, NARRATE_CLIPS, partial(self._tell, jobs, rows, waiting))
        if not isinstance(together, Rejection):
            return
        for job in tuple(waiting.values()):
            row = rows[job.job_id]
            alone = attempt(row.work, NARRATE_CLIPS, partial(self._tell, [job], rows, waiting))
            if isinstance(alone, Rejection):
                self._finish(row, alone, 0.0)

    def _tell(
        self, jobs: Sequence[NarrationJob], rows: Mapping[str, StageRow], waiting: dict[str, NarrationJob]
    ) -> None:
        """Narrate side by side; each video's result is stored and the video taken off the waiting list."""
        started = time.perf_counter()
        clips_done: dict[str, list[ClipResult]] = {job.job_id: [] for job in jobs}
        for event in self._engine.narrate(jobs):
            row, share_s = rows[event.job_id], (time.perf_counter() - started) / len(jobs)
            if isinstance(event, JobFailure):
                del waiting[event.job_id]
                self._finish(row, rejection_of(row.work, NARRATE_CLIPS, event.error), share_s)
                continue
            self._progress.add(clips=1)
            done, job = clips_done[event.job_id], waiting[event.job_id]
            done.append(event)
            if len(done) == len(job.clips):
                del waiting[event.job_id]
                result = self._result(row, done, job)
                self._finish(row, attempt(row.work, NARRATE_CLIPS, partial(self._store.put_narration, result)), share_s)

    def _finish(self, row: StageRow, result: bool | Rejection, seconds: float) -> None:
        row.finish(NARRATE_CLIPS, result, seconds)
        self._progress.add(videos=1, rejected=int(row.rejection is not None))

    def _result(self, row: StageRow, done: Sequence[ClipResult], job: NarrationJob) -> NarratedVideo:
        work, columns = row.work, row.columns
        by_clip = sorted(done, key=lambda result: result.clip_index)
        return NarratedVideo(
            video_id=work.video.video_id,
            key=work.narration_key,
            features_key=work.features_key,
            uri=work.video.uri,
            product=work.video.product,
            language=work.video.language,
            narrations=tuple(self._narration(result, job, columns) for result in by_clip),
            decoder=columns["decoder"],
            duration_s=columns["duration_s"],
            model=self._model,
            notes=(*columns["notes"], *(note for result in by_clip for note in result.notes)),
        )

    def _narration(self, result: ClipResult, job: NarrationJob, columns: Row) -> Narration:
        index = result.clip_index
        narration = Narration(
            clip_index=index,
            clip=job.clips[index],
            script_labels=result.script_labels,
            label_source=result.label_source,
            text=result.text,
            num_words=result.num_words,
            min_words=job.windows[index][0],
            max_words=job.windows[index][1],
            num_frames=columns["num_frames"][index],
            kept_frames_s=tuple(columns["kept_frames_s"][index]),
            label_probabilities=result.label_probabilities,
        )
        if job.spoken_windows is None:
            return narration
        tick_s = TICK_S / self._config.length.pace(job.language)
        low, high = job.spoken_windows[index]
        return replace(narration, spoken_s=result.spoken_ticks * tick_s, spoken_window_s=(low * tick_s, high * tick_s))
