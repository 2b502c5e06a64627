"""Publishing a run: its tables, its report and its record are assembled, then ``latest.json`` is replaced last.

Readers follow ``latest.json``, so they see the previous run until this one is complete, and never half of one. Tables
grow on local disk and are uploaded whole: memory does not grow with the catalogue.

    OUT/runs/<run_id>/{config.yaml, run.json, narrations.parquet, narrations.jsonl, videos.parquet, rejected.parquet,
                       report.html}
    OUT/latest.json

A run of a shard leaves the same but for the page, beside the other shards of its night; :mod:`narrator_ray.runs.night`
publishes them together.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from narrator_ray import __version__
from narrator_ray.catalog.catalog import Catalog
from narrator_ray.catalog.shard import WHOLE, Shard
from narrator_ray.config import Config
from narrator_ray.errors import StorageError
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.presets import Preset
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import JsonDict
from narrator_ray.runs.plan import RunPlan
from narrator_ray.runs.report import Shown, render_run_report
from narrator_ray.runs.results import read_results
from narrator_ray.runs.run_folder import LATEST, RECORD, STARTED, run_folder, shard_folder
from narrator_ray.runs.run_tables import RunTables
from narrator_ray.runs.summary import RunSummary
from narrator_ray.runs.tally import Tally
from narrator_ray.runs.work import Fingerprints

Approve = Callable[[RunSummary], bool]
"""Looks at a complete run that no reader follows yet; says whether readers shall."""


def approve_all(summary: RunSummary) -> bool:
    """Every run is published."""
    return True


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is to be remembered of a run besides its results.

    Attributes:
        run_id: Its name.
        source: Path or URI of the catalogue.
        config: The resolved settings.
        preset: Which model.
        model: Its directory on this machine.
        fingerprints: What results depend on besides the catalogue and the settings.
        started_at_s: Unix time.
        graph_s: Seconds that the graph took; 0 when nothing was to do.
        shard: Which videos of the catalogue it has.
        night: What its shard belongs to; empty where it has the whole catalogue.
    """

    run_id: str
    source: str
    config: Config
    preset: Preset
    model: ModelDirectory
    fingerprints: Fingerprints
    started_at_s: float
    graph_s: float = 0.0
    shard: Shard = WHOLE
    night: str = ""

    @property
    def folder(self) -> str:
        """Where its files go."""
        return run_folder(self.run_id) if self.shard.is_whole else shard_folder(self.night, self.shard, self.run_id)


def new_run_id() -> str:
    """A name that no other run has, even one that begins at once with it: UTC in microseconds, and a random tail."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"


def announce_run(store: ResultStore, folder: str, num_to_do: int) -> None:
    """Leave a mark that a run is under way, so that nothing it may refer to is removed meanwhile."""
    mark = {"run_id": folder.rpartition("/")[2], "num_to_do": num_to_do}
    store.storage.write(f"{folder}/{STARTED}", json.dumps(mark).encode())


def withdraw_run(store: ResultStore, folder: str) -> None:
    """Take the mark away again: the run has ended and leaves nothing to publish."""
    store.storage.delete([f"{folder}/{STARTED}"])


def publish_run(
    store: ResultStore,
    catalog: Catalog,
    plan: RunPlan,
    tally: Tally,
    record: RunRecord,
    approve: Approve = approve_all,
) -> RunSummary:
    """Assemble and publish a run of a whole catalogue.

    Args:
        store: The output.
        catalog: What came in.
        plan: What was there before.
        tally: What came of the rest.
        record: What else is to be remembered.
        approve: Whether it becomes the run that readers follow; asked when all its files are there.

    Raises:
        StorageError: The output cannot be written, or a video is neither done nor rejected.
    """
    return lead_readers_to(store, write_run(store, catalog, plan, tally, record), approve)


def lead_readers_to(store: ResultStore, summary: RunSummary, approve: Approve) -> RunSummary:
    """Make a complete run the newest. One that is not approved stays where it is, and readers with the one before.

    Raises:
        StorageError: The output cannot be written.
    """
    if not approve(summary):
        return replace(summary, is_published=False)
    latest = {"run_id": summary.run_id, "finished_at": summary.finished_at}
    store.storage.write(LATEST, json.dumps(latest).encode())
    return summary


def write_run(store: ResultStore, catalog: Catalog, plan: RunPlan, tally: Tally, record: RunRecord) -> RunSummary:
    """Assemble a run. It is complete then, but nobody follows it.

    Arguments are those of :func:`publish_run`.

    Raises:
        StorageError: The output cannot be written, or a video is neither done nor rejected.
    """
    with tempfile.TemporaryDirectory(prefix="narrator-ray-") as name:
        folder = Path(name)
        with RunTables(folder, record.fingerprints.narrator, record.config.report.max_videos, plan.last) as tables:
            for planned, result in read_results(store, plan, tally):
                tables.add(planned, result)
        _check_complete(len(catalog), tables)
        summary = _summarize(store, catalog, plan, tally, tables, record)
        shown = Shown(tables.shown, tables.shown_rejections) if record.shard.is_whole else None
        write_files(store, record.folder, tables.paths, summary, record.config, shown)
    return summary


def _check_complete(num_videos: int, tables: RunTables) -> None:
    if tables.num_narrated + tables.num_rejected != num_videos:
        raise StorageError(
            f"{num_videos} videos came in, but {tables.num_narrated} are done and {tables.num_rejected} rejected; "
            "nothing was published, run it again"
        )


def _summarize(
    store: ResultStore, catalog: Catalog, plan: RunPlan, tally: Tally, tables: RunTables, record: RunRecord
) -> RunSummary:
    return RunSummary(
        run_id=record.run_id,
        out=store.storage.uri,
        started_at=datetime.fromtimestamp(record.started_at_s, UTC).isoformat(timespec="seconds"),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        num_videos=len(catalog),
        num_narrated=tables.num_narrated,
        num_reused=plan.num_reused,
        num_features_reused=plan.num_features_reused,
        num_clips=tables.num_clips,
        num_clips_in_window=tables.num_clips_in_window,
        num_rejected=tables.num_rejected,
        stages=tally.stages,
        model=_describe_model(record),
        manifest={"source": record.source, "num_rows": catalog.num_added, "fingerprint": catalog.fingerprint},
        max_rejected_fraction=record.config.run.max_rejected_fraction,
        software={"narrator-ray": __version__},
        reasons={str(reason): count for reason, count in plan.counts.items()},
        graph_s=record.graph_s,
        cluster=tally.cluster,
        shard=record.shard,
    )


def _describe_model(record: RunRecord) -> JsonDict:
    return {
        "preset": record.preset.name,
        "description": record.preset.description,
        "is_trained": record.model.spec.is_trained,
        "encoder_fingerprint": record.fingerprints.encoder,
        "narrator_fingerprint": record.fingerprints.narrator,
        "fingerprints": record.fingerprints.to_json(),
    }


def write_files(
    store: ResultStore, folder: str, tables: Sequence[Path], summary: RunSummary, config: Config, shown: Shown | None
) -> None:
    """All files of a run; its record comes last, because it says that the others are there.

    Args:
        store: The output.
        folder: Where in it they go.
        tables: Files on local disk, each of which keeps its name.
        summary: What the record and the page say.
        config: The resolved settings.
        shown: What the page shows one by one; None makes no page.

    Raises:
        StorageError: The output cannot be written.
    """
    for path in tables:
        store.storage.write_file(f"{folder}/{path.name}", path)
    described = summary.to_json() | {"config": config.model_dump(mode="json")}
    texts = {
        "config.yaml": config.to_yaml(),
        "report.html": render_run_report(store, shown, summary, config) if shown is not None else "",
        RECORD: json.dumps(described, indent=2, ensure_ascii=False),
    }
    for name, text in texts.items():
        if text:
            store.storage.write(f"{folder}/{name}", text.encode())
