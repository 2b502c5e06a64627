"""Gathers what the report page of a run shows: results, pictures of the sampled frames, and the videos themselves.

Videos on local disk are carried inside the page until the budget is used up, so that a small run is one file that can
be sent around; the rest are linked. Videos elsewhere are named, because the page makes no request of its own.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from narrator_ray.config import Config
from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.outputs.report import EmbeddedMedia, LinkedMedia, ReportVideo, RunReport, render_report
from narrator_ray.outputs.report import report_video as shown_video
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import NarratedVideo, Rejection
from narrator_ray.runs.summary import RunSummary
from narrator_ray.schema import VideoFeatures

_BYTES_PER_MB = 1_000_000
_DEFAULT_MIME = "video/mp4"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows one by one, in the order of the tables.

    Attributes:
        narrated: The first results.
        rejections: The first rejections.
    """

    narrated: Sequence[NarratedVideo]
    rejections: Sequence[Rejection]


def render_run_report(store: ResultStore, shown: Shown, summary: RunSummary, config: Config) -> str:
    """The report page of a run, as the text of one HTML file."""
    budget_bytes = config.report.embed_budget_mb * _BYTES_PER_MB
    report = RunReport(
        run_id=summary.run_id,
        started_at=datetime.fromisoformat(summary.started_at),
        finished_at=datetime.fromisoformat(summary.finished_at),
        model=summary.model["preset"],
        model_description=summary.model["description"],
        is_trained=summary.model["is_trained"],
        config_yaml=config.to_yaml(),
        stages=summary.stages,
        num_videos=summary.num_videos,
        num_narrated=summary.num_narrated,
        num_reused=summary.num_reused,
        num_features_reused=summary.num_features_reused,
        num_clips=summary.num_clips,
        num_clips_in_window=summary.num_clips_in_window,
        videos=tuple(_report_videos(store, summary.model["encoder_fingerprint"], shown.narrated, budget_bytes)),
        rejections=tuple(shown.rejections),
        num_more_rejected=summary.num_rejected - len(shown.rejections),
    )
    return render_report(report)


def _report_videos(
    store: ResultStore,
    encoder_fingerprint: str,
    narrated: Sequence[NarratedVideo],
    budget_bytes: float,
) -> Iterator[ReportVideo]:
    for result in narrated:
        media = media_of(result.uri, budget_bytes)
        if isinstance(media, EmbeddedMedia):
            budget_bytes -= len(media.data)
        yield shown_video(result, _features(store, encoder_fingerprint, result.features_key), media)


def _features(store: ResultStore, encoder_fingerprint: str, key: str) -> VideoFeatures | None:
    """The features with the pictures; a page without pictures is better than no page."""
    try:
        return store.get_features(encoder_fingerprint, key)
    except (StorageError, SchemaError):
        return None


def media_of(uri: str, budget_bytes: float) -> EmbeddedMedia | LinkedMedia:
    """A local video to carry inside a page if it is no larger than that; else where it lies."""
    path = Path(uri)
    if not path.is_file():
        return LinkedMedia(uri)
    if path.stat().st_size > budget_bytes:
        return LinkedMedia(path.as_uri())
    return EmbeddedMedia(path.read_bytes(), mimetypes.guess_type(path.name)[0] or _DEFAULT_MIME)
