"""Publishing a run: its tables, its report and its record are assembled, then ``latest.json`` is replaced last.

Readers follow ``latest.json``, so they see the previous run until this one is complete, and never half of one.

    OUT/runs/<run_id>/{config.yaml, run.json, narrations.parquet, narrations.jsonl, rejected.parquet, report.html}
    OUT/latest.json
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from narrator_ray import __version__
from narrator_ray.config import Config
from narrator_ray.errors import RejectReason, SchemaError, StorageError
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.presets import Preset
from narrator_ray.outputs.keys import content_key
from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.outputs.store import ResultStore
from narrator_ray.outputs.tables import narrations_table, rejected_table, to_jsonl_bytes, to_parquet_bytes
from narrator_ray.records import JsonDict, NarratedVideo, Rejection, Video
from narrator_ray.runs.report import render_run_report
from narrator_ray.runs.summary import Outcome, RunSummary
from narrator_ray.runs.work import RunPlan, WorkItem
from narrator_ray.storage.storage import Storage

LATEST = "latest.json"
PUBLISH = "publish"
_READ_THREADS = 16


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is to be remembered of a run besides its results.

    Attributes:
        source: Path or URI of the catalogue.
        config: The resolved settings.
        preset: Which model.
        model: Its directory on this machine.
        started_at_s: Unix time.
        stages: Table of stages.
        writing: Version of the prompt's wording and of the decoding rules.
    """

    source: str
    config: Config
    preset: Preset
    model: ModelDirectory
    started_at_s: float
    stages: tuple[StageSummary, ...]
    writing: str = ""


def publish_run(
    store: ResultStore, videos: Sequence[Video], plan: RunPlan, outcomes: Sequence[Outcome], record: RunRecord
) -> RunSummary:
    """Assemble and publish a run.

    Args:
        store: The output.
        videos: The catalogue, in order.
        plan: What was there before.
        outcomes: What came of the rest.
        record: What else is to be remembered.

    Raises:
        StorageError: The output cannot be written, or a video is neither done nor rejected.
    """
    rejections = _rejections(plan, outcomes)
    narrated = []
    for item, result in _read_results(store, [item for item in plan.items if item.video.video_id not in rejections]):
        if isinstance(result, Rejection):
            rejections[item.video.video_id] = result
        else:
            narrated.append((item, result))
    rejected = [rejections[video.video_id] for video in videos if video.video_id in rejections]
    if len(narrated) + len(rejected) != len(videos):
        raise StorageError(
            f"{len(videos)} videos came in, but {len(narrated)} are done and {len(rejected)} rejected; "
            "nothing was published, run it again"
        )
    summary = _summarize(store, videos, plan, narrated, rejected, record)
    _write_run(store, narrated, rejected, summary, record)
    latest = {"run_id": summary.run_id, "finished_at": summary.finished_at}
    store.storage.write(LATEST, json.dumps(latest).encode())
    return summary


def run_path(run_id: str, name: str) -> str:
    """Key of one file of a run."""
    return f"runs/{run_id}/{name}"


def has_published(storage: Storage) -> bool:
    """Whether any run was published there."""
    return storage.exists(LATEST)


def latest_run_id(storage: Storage) -> str:
    """Name of the newest published run.

    Raises:
        StorageError: Nothing has been published there.
    """
    if not has_published(storage):
        raise StorageError(
            f"{storage.uri}: no published run here; run `narrator-ray narrate CATALOG --out {storage.uri}`"
        )
    try:
        run_id = json.loads(storage.read(LATEST))["run_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(f"{storage.path_of(LATEST)}: not a record of a published run: {error}") from error
    return str(run_id)


def _rejections(plan: RunPlan, outcomes: Sequence[Outcome]) -> dict[str, Rejection]:
    """Rejections by video; rows that asked for the very same result share its fate."""
    by_key = {outcome.narration_key: outcome.rejection for outcome in outcomes if outcome.rejection is not None}
    by_id = {rejection.video_id: rejection for rejection in plan.rejected}
    for item in plan.items:
        shared = by_key.get(item.narration_key)
        if shared is not None:
            by_id[item.video.video_id] = replace(shared, video_id=item.video.video_id, uri=item.video.uri)
    return by_id


def _read_results(
    store: ResultStore, items: Sequence[WorkItem]
) -> Iterator[tuple[WorkItem, NarratedVideo | Rejection]]:
    with ThreadPoolExecutor(_READ_THREADS) as threads:
        yield from zip(items, threads.map(lambda item: _read_result(store, item), items), strict=True)


def _read_result(store: ResultStore, item: WorkItem) -> NarratedVideo | Rejection:
    video = item.video
    try:
        return replace(store.get_narration(item.narration_key), video_id=video.video_id, uri=video.uri)
    except SchemaError as error:
        return Rejection(video.video_id, video.uri, PUBLISH, RejectReason.DAMAGED_OBJECT, str(error))


def _summarize(
    store: ResultStore,
    videos: Sequence[Video],
    plan: RunPlan,
    narrated: Sequence[tuple[WorkItem, NarratedVideo]],
    rejected: Sequence[Rejection],
    record: RunRecord,
) -> RunSummary:
    clips = [narration for _, result in narrated for narration in result.narrations]
    return RunSummary(
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        out=store.storage.uri,
        started_at=datetime.fromtimestamp(record.started_at_s, UTC).isoformat(timespec="seconds"),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        num_videos=len(videos),
        num_narrated=len(narrated),
        num_reused=plan.num_reused,
        num_features_reused=sum(item.has_features for item in plan.to_do),
        num_clips=len(clips),
        num_clips_in_window=sum(narration.is_in_window for narration in clips),
        num_rejected=len(rejected),
        stages=record.stages,
        model=_describe_model(record),
        manifest={
            "source": record.source,
            "num_rows": len(videos),
            "fingerprint": content_key("manifest", rows=[video.to_json() for video in videos]),
        },
        max_rejected_fraction=record.config.run.max_rejected_fraction,
        software={"narrator-ray": __version__},
    )


def _describe_model(record: RunRecord) -> JsonDict:
    return {
        "preset": record.preset.name,
        "is_trained": record.model.spec.is_trained,
        "encoder_fingerprint": record.model.spec.fingerprints.encoder,
        "narrator_fingerprint": record.model.spec.fingerprints.narrator,
        "writing": record.writing,
    }


def _write_run(
    store: ResultStore,
    narrated: Sequence[tuple[WorkItem, NarratedVideo]],
    rejected: Sequence[Rejection],
    summary: RunSummary,
    record: RunRecord,
) -> None:
    table = narrations_table(
        ((item.video, result) for item, result in narrated), record.model.spec.fingerprints.narrator
    )
    files: Mapping[str, bytes] = {
        "config.yaml": record.config.to_yaml().encode(),
        "narrations.parquet": to_parquet_bytes(table),
        "narrations.jsonl": to_jsonl_bytes(table),
        "rejected.parquet": to_parquet_bytes(rejected_table(rejected)),
        "report.html": _report(store, narrated, rejected, summary, record).encode(),
        "run.json": json.dumps(
            summary.to_json() | {"config": record.config.model_dump(mode="json")}, indent=2, ensure_ascii=False
        ).encode(),
    }
    for name, data in files.items():
        store.storage.write(run_path(summary.run_id, name), data)


def _report(
    store: ResultStore,
    narrated: Sequence[tuple[WorkItem, NarratedVideo]],
    rejected: Sequence[Rejection],
    summary: RunSummary,
    record: RunRecord,
) -> str:
    encoder = record.model.spec.fingerprints.encoder
    return render_run_report(store, narrated, rejected, summary, record.config, record.preset, encoder)
