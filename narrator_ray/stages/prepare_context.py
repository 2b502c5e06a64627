"""Stage prepare_context: stored features to what the language model sees of each clip.

Compression of the clip itself, consolidated memory of all clips before it, relative position. CPU tasks. Features are
read from the store whether they were made a moment ago or last night, so there is one way in.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from narrator_ray.config import Config
from narrator_ray.cost import StageCost
from narrator_ray.model.context import prepare_context
from narrator_ray.outputs.store import ResultStore
from narrator_ray.schema import PLANNED, PREPARED, VideoFeatures
from narrator_ray.stages.item import Row, StageRow, rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter

PREPARE_CONTEXT = "prepare_context"
INPUT = PLANNED
OUTPUT = PREPARED


class PrepareContext:
    """Prepares the videos of a batch.

    Args:
        store: Where features are.
        config: Compression and memory settings.
        encoder_fingerprint: Which encoder's features.
        board: Progress board.
    """

    def __init__(self, store: ResultStore, config: Config, encoder_fingerprint: str, board: Any) -> None:
        self._store = store
        self._config = config
        self._encoder_fingerprint = encoder_fingerprint
        self._progress = ProgressReporter(board, PREPARE_CONTEXT)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of INPUT to table of OUTPUT."""
        return table_of((self._prepare_row(row) for row in rows_of(batch)), OUTPUT)

    def _prepare_row(self, row: StageRow) -> Row:
        if row.rejection is not None:
            return row.output()
        columns = row.run(PREPARE_CONTEXT, lambda: self._prepare(row.work.features_key))
        if columns is not None:
            row.charge(PREPARE_CONTEXT, StageCost(num_clips=len(columns["clips"])))
        self._progress.finish(row)
        return row.output(**(columns or {}))

    def _prepare(self, features_key: str) -> Row:
        features = self._store.get_features(self._encoder_fingerprint, features_key)
        contexts = prepare_context(features, self._config.model)
        return {
            "clips": [[clip.start_s, clip.end_s] for clip in features.clips],
            "tokens": [context.tokens_ND.tobytes() for context in contexts],
            "token_dim": features.tokens_TQD.shape[2],
            "position": [context.position for context in contexts],
            "kept_frames_s": [features.time_s_T[list(context.kept_indices)].tolist() for context in contexts],
            "num_frames": _frames_per_clip(features),
            "duration_s": features.duration_s,
            "decoder": features.decoder,
            "notes": list(features.notes),
        }


def _frames_per_clip(features: VideoFeatures) -> list[int]:
    return [len(features.frames_of(index)) for index in range(len(features.clips))]
