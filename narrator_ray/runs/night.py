"""Shards of one night, narrated by runs of their own, published together.

Shards belong together when they are of the same catalogue, whatever the order of its rows, with the same settings and
model, and began while the same run was the published one. Each leaves a complete run beside the others; readers see
nothing of it until all are there:

    OUT/shards/<night>/<i>-of-<n>/<run_id>/    one complete run of a shard; of several the newest counts
    OUT/runs/<run_id>/                         all of them put together, the tables shard by shard

The run that completes the night puts it together. Its name follows from the names of the runs that it is made of, so
two runs that both find the night complete write the same files under the same name; one that dies on the way is made
up for by whoever comes next: any shard that is run again, or :func:`publish_newest_night`.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from narrator_ray import __version__
from narrator_ray.catalog.catalog import Catalog
from narrator_ray.catalog.shard import Shard
from narrator_ray.config import Config
from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.outputs.keys import content_key
from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import JsonDict
from narrator_ray.runs.comparison import verdict_settings
from narrator_ray.runs.cost_figures import Cluster
from narrator_ray.runs.merged_tables import merge_tables, shown_of
from narrator_ray.runs.plan import RunPlan
from narrator_ray.runs.publish import Approve, RunRecord, lead_readers_to, write_files, write_run
from narrator_ray.runs.run_folder import RECORD, SHARDS, begun, folders_with, read_record, run_folder
from narrator_ray.runs.summary import COUNTS, RunSummary
from narrator_ray.runs.tally import Tally
from narrator_ray.runs.work import Fingerprints
from narrator_ray.storage.storage import Storage

_TAIL_CHARACTERS = 8


def night_of(catalog: Catalog, config: Config, fingerprints: Fingerprints, plan: RunPlan, num_shards: int) -> str:
    """The name of what shards belong to."""
    return content_key(
        "night",
        catalog=catalog.unordered_fingerprint,
        settings=verdict_settings(config.model_dump(mode="json")),
        model=fingerprints.to_json(),
        software=__version__,
        after=None if plan.last is None else plan.last.record["run_id"],
        num_shards=num_shards,
    )


@dataclass(frozen=True, slots=True)
class ShardRun:
    """A complete run of a shard.

    Attributes:
        night: What it belongs to.
        run_id: Its name.
        shard: Which.
        folder: Where it lies.
    """

    night: str
    run_id: str
    shard: Shard
    folder: str


@dataclass(frozen=True, slots=True)
class Night:
    """What there is of a night.

    Attributes:
        runs: The newest complete run of each shard that has one; at least one.
        missing: Shards that have none.
    """

    runs: tuple[ShardRun, ...]
    missing: tuple[Shard, ...]

    @classmethod
    def find(cls, storage: Storage, name: str) -> Self:
        """The night of that name.

        Raises:
            StorageError: The output cannot be listed, or there is no such night in it.
        """
        newest = {run.shard: run for run in sorted(complete_shards(storage, name), key=lambda run: run.run_id)}
        if not newest:
            raise StorageError(f"{storage.path_of(f'{SHARDS}/{name}')}: no complete shard here")
        siblings = next(iter(newest)).siblings
        missing = tuple(shard for shard in siblings if shard not in newest)
        return cls(tuple(newest[shard] for shard in siblings if shard in newest), missing)

    @property
    def run_id(self) -> str:
        """Name of the run that they make together: as old as the newest of them; a tail says which they are."""
        newest = max(run.run_id for run in self.runs)
        tail = content_key("shards", runs=[run.run_id for run in self.runs])[:_TAIL_CHARACTERS]
        return f"{begun(newest)}-{tail}"


def complete_shards(storage: Storage, night: str = "") -> list[ShardRun]:
    """All complete runs of shards, or those of one night."""
    found = []
    for folder in folders_with(storage, RECORD, f"{SHARDS}/{night}".rstrip("/")):
        _, its_night, name, run_id = folder.split("/")
        found.append(ShardRun(its_night, run_id, Shard.parse(name.replace("-of-", "/")), folder))
    return found


def publish_shard(
    store: ResultStore, catalog: Catalog, plan: RunPlan, tally: Tally, record: RunRecord, approve: Approve
) -> RunSummary:
    """Leave a run of a shard, and publish its night if that completes it.

    Arguments are those of :func:`narrator_ray.runs.publish.publish_run`; ``approve`` looks at the whole night.

    Raises:
        StorageError: The output cannot be written, or a video is neither done nor rejected.
    """
    summary = replace(write_run(store, catalog, plan, tally, record), is_published=False)
    night = Night.find(store.storage, record.night)
    if night.missing:
        return replace(summary, waits_for=night.missing)
    merged = publish_night(store, night, approve)
    return replace(summary, merged=merged, is_published=merged.is_published)


def publish_newest_night(store: ResultStore, approve: Approve) -> RunSummary:
    """Publish the night whose shards were narrated last, as its last shard would have done.

    Raises:
        StorageError: There is none, or shards of it are missing.
    """
    runs = complete_shards(store.storage)
    if not runs:
        raise StorageError(f"{store.storage.uri}: no shards here: `narrator-ray narrate --shard 1/2` makes them")
    night = Night.find(store.storage, max(runs, key=lambda run: run.run_id).night)
    if night.missing:
        missing = ", ".join(map(str, night.missing))
        raise StorageError(
            f"{store.storage.uri}: of the newest night shard {missing} is not complete: run it, with the same "
            "catalogue, settings and program as the others; what is done is found"
        )
    return publish_night(store, night, approve)


def publish_night(store: ResultStore, night: Night, approve: Approve) -> RunSummary:
    """Put the runs of all shards together and publish that; those that were put together before are only published.

    Raises:
        StorageError: The output cannot be read or written, or the shards are not the whole catalogue.
        SchemaError: A shard cannot be read.
    """
    records = [read_record(store.storage, run.folder) for run in night.runs]
    newest = max(records, key=lambda record: str(record["run_id"]))
    summary = _summarize(store, night, records, newest)
    if summary.num_videos != summary.manifest["num_rows"]:
        raise StorageError(
            f"{store.storage.uri}: the shards have {summary.num_videos} videos, the catalogue "
            f"{summary.manifest['num_rows']}; nothing was published, run them again"
        )
    if not store.storage.exists(f"{run_folder(summary.run_id)}/{RECORD}"):
        config = _config_of(newest)
        with tempfile.TemporaryDirectory(prefix="narrator-ray-") as name:
            paths = merge_tables(store.storage, [run.folder for run in night.runs], Path(name))
            shown = shown_of(store, paths, config.report.max_videos)
            write_files(store, run_folder(summary.run_id), paths, summary, config, shown)
    return lead_readers_to(store, summary, approve)


def _summarize(store: ResultStore, night: Night, records: Sequence[JsonDict], newest: JsonDict) -> RunSummary:
    reasons: Counter[str] = Counter()
    for record in records:
        reasons.update(record["reasons"])
    graph_s = sum(record["graph_s"] for record in records)
    return RunSummary(
        run_id=night.run_id,
        out=store.storage.uri,
        started_at=min(record["started_at"] for record in records),
        finished_at=max(record["finished_at"] for record in records),
        **{name: sum(record[name] for record in records) for name in COUNTS},
        stages=_stages_of(records),
        model=newest["model"],
        manifest=newest["manifest"],
        max_rejected_fraction=newest["max_rejected_fraction"],
        software=newest["software"],
        reasons=dict(reasons),
        graph_s=graph_s,
        cluster=Cluster(_mean(records, "cluster_core_s", graph_s), _mean(records, "cluster_gpu_s", graph_s)),
        shards=tuple(run.run_id for run in night.runs),
    )


def _stages_of(records: Sequence[JsonDict]) -> tuple[StageSummary, ...]:
    """The sum for each stage, in the order of a shard that went through most of them."""
    sums: dict[str, StageSummary] = {}
    for record in sorted(records, key=lambda record: -len(record["stages"])):
        for stage in map(StageSummary.from_json, record["stages"]):
            sums[stage.stage] = sums[stage.stage] + stage if stage.stage in sums else stage
    return tuple(sums.values())


def _mean(records: Sequence[JsonDict], seconds: str, graph_s: float) -> float:
    """What the clusters of the shards had on average while their graphs ran."""
    return sum(float(record["cost"][seconds]) for record in records) / graph_s if graph_s else 0.0


def _config_of(record: JsonDict) -> Config:
    try:
        return Config.model_validate(record["config"])
    except ValidationError as error:
        made_by = record["software"]["narrator-ray"]
        raise SchemaError(f"its shards were made by version {made_by}: run them again with this one") from error
