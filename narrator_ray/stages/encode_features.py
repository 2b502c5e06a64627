"""Stage encode_features: frames to query tokens, stored as one Arrow object per video.

An actor pool; each actor holds one vision encoder, on a share of a GPU where there is one, and is called by several
threads with a few videos each. Frames of all calls are encoded together, so that the encoder sees full batches although
videos differ in length; the calls store what they were given, so it never waits for storage.
"""

from __future__ import annotations

from concurrent.futures import as_completed
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from narrator_ray.config import Config
from narrator_ray.model.presets import Preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, Rejection
from narrator_ray.schema import PLANNED, SAMPLED, VideoFeatures
from narrator_ray.stages.cpu_threads import use_cpu_threads
from narrator_ray.stages.item import StageRow, attempt, rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter
from narrator_ray.stages.shared_encoder import Seen, SharedEncoder
from narrator_ray.stages.stopwatch import Stopwatch

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

        batch_frames, model = config.run.encode_batch_frames, prepare_model(preset, config.storage)
        encoder = load_vision_encoder(model, device, batch_frames, preset.load.compile_encoder)
        self._image_size_px = encoder.image_size_px
        self._fingerprint = encoder.fingerprint
        self._encoder = SharedEncoder(encoder, batch_frames, ENCODE_FEATURES)
        self._store = store
        self._fps = config.frames.fps
        self._progress = ProgressReporter(board, ENCODE_FEATURES)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of INPUT to table of OUTPUT; may be called by several threads at once."""
        rows = rows_of(batch)
        to_encode = [row for row in rows if row.rejection is None and not row.work.has_features]
        asked = self._encoder.submit([(row.work, self._frames_of(row)) for row in to_encode])
        waiting = dict(zip(asked, to_encode, strict=True))
        for seen in as_completed(waiting):
            self._finish(waiting[seen], seen.result())
        return table_of((row.output() for row in rows), OUTPUT)

    def _finish(self, row: StageRow, seen: Seen) -> None:
        """Store what was seen of a video, and note what came of it."""
        watch = Stopwatch(of_thread=True)
        stored: bool | Rejection
        if isinstance(seen.outcome, Rejection):
            stored = seen.outcome
        else:
            features = self._features(row, seen.outcome)
            stored = attempt(
                row.work, ENCODE_FEATURES, partial(self._store.put_features, row.work.features_key, features)
            )
        row.finish(ENCODE_FEATURES, stored, seen.cost + watch.cost())
        self._progress.finish(row)

    def _frames_of(self, row: StageRow) -> npt.NDArray[np.uint8]:
        side = self._image_size_px
        return np.frombuffer(row.columns["frames"], np.uint8).reshape(-1, 3, side, side)

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
            encoder_fingerprint=self._fingerprint,
            source_version=row.work.source_version,
            notes=tuple(columns["notes"]),
        )
