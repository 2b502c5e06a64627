"""Stage decode_video: split a video into clips and sample its frames, both from one local copy.

Two steps, ``split_clips`` and ``sample_frames``, that are counted and timed apart; they share a stage so that a video
in object storage is downloaded once. CPU only. The decoding itself happens in a child process, one for each worker of
Ray: a video that kills its decoder costs that one video.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from narrator_ray.catalog.source import local_copy
from narrator_ray.config import Config, DecodeSettings
from narrator_ray.cost import StageCost
from narrator_ray.records import Clip
from narrator_ray.schema import PLANNED, SAMPLED
from narrator_ray.stages.item import Row, StageRow, rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter
from narrator_ray.video.guarded_decoder import GuardedDecoder
from narrator_ray.video.probe import VideoInfo

SPLIT_CLIPS = "split_clips"
SAMPLE_FRAMES = "sample_frames"
INPUT = PLANNED
OUTPUT = SAMPLED


@cache
def _decoder(settings: DecodeSettings) -> GuardedDecoder:
    """The decoder of this worker process, which outlives the tasks that it serves."""
    return GuardedDecoder(settings)


class DecodeVideo:
    """Decodes the videos of a batch, one at a time.

    Args:
        config: Clip and frame settings.
        image_size_px: Side of the square frames that the encoder wants.
        board: Progress board.
    """

    def __init__(self, config: Config, image_size_px: int, board: Any) -> None:
        self._config = config
        self._image_size_px = image_size_px
        self._split_progress = ProgressReporter(board, SPLIT_CLIPS)
        self._sample_progress = ProgressReporter(board, SAMPLE_FRAMES)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of INPUT to table of OUTPUT."""
        return table_of((self._decode_row(row) for row in rows_of(batch)), OUTPUT)

    def _decode_row(self, row: StageRow) -> Row:
        if row.rejection is not None or row.work.has_features:
            return row.output()
        with ExitStack() as copies:
            split = row.run(SPLIT_CLIPS, lambda: self._split(copies, row))
            self._split_progress.finish(row)
            if split is None:
                return row.output()
            sampled = row.run(SAMPLE_FRAMES, lambda: self._sample(row, *split))
            self._sample_progress.finish(row)
        return row.output() if sampled is None else row.output(**sampled)

    def _split(self, copies: ExitStack, row: StageRow) -> tuple[Path, VideoInfo, tuple[Clip, ...]]:
        video = row.work.video
        path = copies.enter_context(local_copy(video.uri, self._config.sources, self._config.storage))
        with self._decoder_for(row, SPLIT_CLIPS) as decoder:
            info, clips = decoder.split(path, video.clips, self._config.clips, self._config.frames)
        row.charge(SPLIT_CLIPS, StageCost(num_clips=len(clips)))
        return path, info, clips

    @contextmanager
    def _decoder_for(self, row: StageRow, stage: str) -> Iterator[GuardedDecoder]:
        """The decoder; the CPU time of its child is the row's."""
        decoder = _decoder(self._config.decode)
        before_s = decoder.cpu_s
        try:
            yield decoder
        finally:
            row.charge(stage, StageCost(cpu_s=decoder.cpu_s - before_s))

    def _sample(self, row: StageRow, path: Path, info: VideoInfo, clips: tuple[Clip, ...]) -> Row:
        with self._decoder_for(row, SAMPLE_FRAMES) as decoder:
            sampled = decoder.sample(path, info, clips, self._config.frames.fps, self._image_size_px)
        row.charge(SAMPLE_FRAMES, StageCost(num_frames=len(sampled.time_s_T)))
        return {
            "frames": sampled.frames_TCHW.tobytes(),
            "clips": [[clip.start_s, clip.end_s] for clip in sampled.clips],
            "clip_index": sampled.clip_index_T.tolist(),
            "time_s": sampled.time_s_T.tolist(),
            "thumbnails": list(sampled.thumbnails_jpeg),
            "duration_s": info.duration_s,
            "decoder": sampled.decoder,
            "notes": list(sampled.notes),
        }
