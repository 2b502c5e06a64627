"""Stage encode_features: frames to query tokens, stored as one Arrow object per video.

An actor pool; each actor holds one vision encoder, on a share of a GPU where there is one. All frames of a batch of
videos are encoded together, so that the encoder sees full batches although videos differ in length.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from narrator_ray.config import Config
from narrator_ray.model.presets import Preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip
from narrator_ray.schema import PLANNED, SAMPLED, VideoFeatures
from narrator_ray.stages.cpu_threads import use_cpu_threads
from narrator_ray.stages.item import StageRow, attempt, rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter

ENCODE_FEATURES = "encode_features"
INPUT = SAMPLED
OUTPUT = PLANNED


class EncodeFeatures:
    """One replica of the vision encoder.

    Args:
        preset: Which model.
        store: Where features go.
        config: Frame and batch settings.
        device: "cpu" or "cuda".
        board: Progress board.
    """

    def __init__(self, preset: Preset, store: ResultStore, config: Config, device: str, board: Any) -> None:
        use_cpu_threads(config.run.cpu_threads)
        from narrator_ray.model.vision_encoder import load_vision_encoder  # loads torch

        self._encoder = load_vision_encoder(
            prepare_model(preset, config.storage), device, config.run.encode_batch_frames, preset.load.compile_encoder
        )
        self._store = store
        self._fps = config.frames.fps
        self._progress = ProgressReporter(board, ENCODE_FEATURES)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of INPUT to table of OUTPUT."""
        rows = rows_of(batch)
        to_encode = [row for row in rows if row.rejection is None and not row.work.has_features]
        if to_encode:
            self._encode_together(to_encode)
        return table_of((row.output() for row in rows), OUTPUT)

    def _encode_together(self, rows: Sequence[StageRow]) -> None:
        started = time.perf_counter()
        frames = [self._frames_of(row) for row in rows]
        together = attempt(rows[0].work, ENCODE_FEATURES, lambda: self._encoder.encode(np.concatenate(frames)))
        share_s = (time.perf_counter() - started) / len(rows)
        if not isinstance(together, np.ndarray):
            self._encode_apart(rows, frames)
            return
        edges = np.cumsum([0, *(len(its_frames) for its_frames in frames)])
        for row, (begin, end) in zip(rows, pairwise(edges), strict=True):
            self._store_one(row, together[begin:end], share_s)

    def _encode_apart(self, rows: Sequence[StageRow], frames: Sequence[npt.NDArray[np.uint8]]) -> None:
        """One at a time after a batch failed, so that only the video that cannot be encoded is rejected."""
        for row, its_frames in zip(rows, frames, strict=True):
            tokens = row.run(ENCODE_FEATURES, partial(self._encoder.encode, its_frames))
            if tokens is None:
                self._progress.add(videos=1, rejected=1)
            else:
                self._store_one(row, tokens, 0.0)

    def _frames_of(self, row: StageRow) -> npt.NDArray[np.uint8]:
        side = self._encoder.image_size_px
        return np.frombuffer(row.columns["frames"], np.uint8).reshape(-1, 3, side, side)

    def _store_one(self, row: StageRow, tokens_TQD: npt.NDArray[np.float16], seconds: float) -> None:
        started = time.perf_counter()
        features = self._features(row, tokens_TQD)
        stored = attempt(row.work, ENCODE_FEATURES, lambda: self._store.put_features(row.work.features_key, features))
        row.finish(ENCODE_FEATURES, stored, seconds + time.perf_counter() - started)
        self._progress.add(videos=1, rejected=int(row.rejection is not None))

    def _features(self, row: StageRow, tokens_TQD: npt.NDArray[np.float16]) -> VideoFeatures:
        columns = row.columns
        return VideoFeatures(
            clips=tuple(Clip(start, end) for start, end in columns["clips"]),
            clip_index_T=np.asarray(columns["clip_index"], np.int32),
            time_s_T=np.asarray(columns["time_s"], np.float64),
            tokens_TQD=tokens_TQD,
            thumbnails_jpeg=tuple(columns["thumbnails"]),
            duration_s=columns["duration_s"],
            fps=self._fps,
            decoder=columns["decoder"],
            encoder_fingerprint=self._encoder.fingerprint,
            source_version=row.work.source_version,
            notes=tuple(columns["notes"]),
        )
