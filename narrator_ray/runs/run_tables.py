"""The tables of a run while they are written, and what is counted and kept on the way."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from narrator_ray.errors import MAX_DETAIL_CHARACTERS
from narrator_ray.outputs.table_file import TableFile
from narrator_ray.outputs.tables import narration_rows
from narrator_ray.records import NarratedVideo, Rejection
from narrator_ray.runs.last_run import REJECTED_FILE, VIDEOS_FILE, LastRun
from narrator_ray.runs.reasons import WorkReason
from narrator_ray.runs.work import PlannedVideo
from narrator_ray.schema import NARRATIONS, REJECTED, VIDEOS

NARRATIONS_FILE = "narrations.parquet"
NARRATIONS_LINES = "narrations.jsonl"


class RunTables:
    """Writes the tables of a run to a folder.

    Args:
        folder: Where.
        model_fingerprint: Of the model that the run used.
        max_shown: How many results and rejections are kept for the report.
        last: The last published run, which knows how often a video was rejected before.

    Attributes:
        num_narrated: Videos with a result.
        num_rejected: Videos without.
        num_clips: Clips with a narration.
        num_clips_in_window: Of these, clips whose narration lies inside its length window.
        shown: The first results.
        shown_rejections: The first rejections.
    """

    def __init__(self, folder: Path, model_fingerprint: str, max_shown: int, last: LastRun | None) -> None:
        self.num_narrated = self.num_rejected = self.num_clips = self.num_clips_in_window = 0
        self.shown: list[NarratedVideo] = []
        self.shown_rejections: list[Rejection] = []
        self._model_fingerprint = model_fingerprint
        self._max_shown = max_shown
        self._last = last
        self._now = datetime.now(UTC).isoformat(timespec="seconds")
        self.paths = [folder / name for name in (NARRATIONS_FILE, NARRATIONS_LINES, VIDEOS_FILE, REJECTED_FILE)]
        parquet, lines, videos, rejected = self.paths
        self._files = ExitStack()
        self._narrations = self._files.enter_context(TableFile(parquet, NARRATIONS, lines))
        self._videos = self._files.enter_context(TableFile(videos, VIDEOS))
        self._rejected = self._files.enter_context(TableFile(rejected, REJECTED))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._files.__exit__(kind, error, at)

    def add(self, planned: PlannedVideo, result: NarratedVideo | Rejection) -> None:
        """Take what came of the next video."""
        item = planned.item
        row = {
            "video_id": item.video.video_id,
            "is_narrated": isinstance(result, NarratedVideo),
            "source_version": item.source_version,
            "row_fingerprint": planned.row_fingerprint,
            "features_key": item.features_key,
            "key": item.narration_key,
        }
        self._videos.add([row])
        if isinstance(result, NarratedVideo):
            self._add_narrated(planned, result)
        else:
            self._add_rejected(planned, result)

    def _add_narrated(self, planned: PlannedVideo, result: NarratedVideo) -> None:
        self.num_narrated += 1
        self.num_clips += len(result.narrations)
        self.num_clips_in_window += sum(narration.is_in_window for narration in result.narrations)
        self._narrations.add(narration_rows(planned.item.video, result, self._model_fingerprint))
        if len(self.shown) < self._max_shown:
            self.shown.append(result)

    def _add_rejected(self, planned: PlannedVideo, rejection: Rejection) -> None:
        self.num_rejected += 1
        if planned.reason is not WorkReason.STILL_REJECTED:
            rejection = self._counted(rejection)
        self._rejected.add([rejection.to_json()])
        if len(self.shown_rejections) < self._max_shown:
            self.shown_rejections.append(rejection)

    def _counted(self, rejection: Rejection) -> Rejection:
        """The rejection with what is known of earlier tries of the very same."""
        past = None if self._last is None else self._last.rejection_of(rejection.video_id)
        is_again = past is not None and (past.key, past.uri) == (rejection.key, rejection.uri)
        return replace(
            rejection,
            detail=rejection.detail[:MAX_DETAIL_CHARACTERS],
            attempts=past.attempts + 1 if past is not None and is_again else 1,
            first_seen_at=past.first_seen_at if past is not None and is_again else self._now,
            last_seen_at=self._now,
        )
