"""Why a run would do what it would do: every video of a plan compared with the run that was published last.

Reads the published record and the keys of its table; decodes nothing and loads no model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from narrator_ray.config import Config
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import JsonDict
from narrator_ray.runs.publish import has_published, latest_run_id, run_path
from narrator_ray.runs.work import Fingerprints, RunPlan, WorkItem

VISION_STAGES = ("split_clips", "sample_frames", "encode_features")
"""Stages that a video with features does not go through."""

_FEATURE_SETTINGS = {"clips": None, "frames": ("fps",)}
_NARRATION_SETTINGS = {"length": None, "decoding": None, "model": None}
_PLACE_SETTINGS = ("preset", "device", "adapters")
"""Settings of the model that say which and where, not what it writes."""


class Change(StrEnum):
    """Why a video is to be done, or why not."""

    UNCHANGED = "unchanged"
    NEW = "new"
    RETRY = "retry"
    VIDEO = "changed video"
    PRODUCT = "changed product"
    SETTINGS = "changed settings"
    MODEL = "changed model"
    RESULT_GONE = "result gone"
    NOT_FOUND = "not found"


@dataclass(frozen=True, slots=True)
class LastRun:
    """What was published last.

    Attributes:
        keys: Narration key and features key of every narrated video.
        rejected: Videos that were rejected.
        model: Fingerprints of the model, by name.
        config: Its settings.
        seconds: Busy seconds of one video in each stage; of a run that did nothing, none.
    """

    keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rejected: frozenset[str] = frozenset()
    model: JsonDict = field(default_factory=dict)
    config: JsonDict = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, store: ResultStore) -> LastRun:
        """The newest published run of an output; empty where there is none.

        Raises:
            SchemaError, StorageError: It cannot be read.
        """
        storage = store.storage
        if not has_published(storage):
            return cls()
        run_id = latest_run_id(storage)

        def table(name: str, *columns: str) -> dict[str, list[Any]]:
            source = pa.BufferReader(storage.read(run_path(run_id, name)))
            found: dict[str, list[Any]] = pq.read_table(source, columns=list(columns)).to_pydict()
            return found

        done = table("narrations.parquet", "video_id", "key", "features_key")
        record = json.loads(storage.read(run_path(run_id, "run.json")))
        return cls(
            keys=dict(zip(done["video_id"], zip(done["key"], done["features_key"], strict=True), strict=True)),
            rejected=frozenset(table("rejected.parquet", "video_id")["video_id"]),
            model=record["model"],
            config=record["config"],
            seconds={stage["stage"]: stage["seconds"] / stage["in"] for stage in record["stages"] if stage["in"]},
        )


@dataclass(frozen=True, slots=True)
class ExplainedPlan:
    """A plan and its reasons.

    Attributes:
        plan: The plan.
        changes: Why, of every video of the catalogue.
        removed: Videos of the published table that the catalogue has no more; their results stay in the store.
        busy_s: Busy seconds that the work will take by the last run's measure; None where it has none.
    """

    plan: RunPlan
    changes: Mapping[str, Change]
    removed: tuple[str, ...]
    busy_s: float | None


def explain(plan: RunPlan, last: LastRun, config: Config, fingerprints: Fingerprints) -> ExplainedPlan:
    """Say of every video why it is to be done or not."""
    changes = {item.video.video_id: _change(item, last, config, fingerprints) for item in plan.items}
    changes |= {rejection.video_id: Change.NOT_FOUND for rejection in plan.rejected}
    removed = tuple(video_id for video_id in (*last.keys, *sorted(last.rejected)) if video_id not in changes)
    return ExplainedPlan(plan, changes, removed, _busy_s(plan.to_do, last))


def _change(item: WorkItem, last: LastRun, config: Config, fingerprints: Fingerprints) -> Change:
    video_id = item.video.video_id
    if item.has_narration:
        return Change.UNCHANGED
    if video_id in last.rejected:
        return Change.RETRY
    if video_id not in last.keys:
        return Change.NEW
    key, features_key = last.keys[video_id]
    if item.narration_key == key:
        return Change.RESULT_GONE
    now = config.model_dump(mode="json")
    if item.features_key != features_key:
        if last.model.get("encoder_fingerprint") != fingerprints.encoder:
            return Change.MODEL
        return Change.SETTINGS if _differ(last.config, now, _FEATURE_SETTINGS) else Change.VIDEO
    is_other_model = last.model.get("narrator_fingerprint") != fingerprints.narrator
    if is_other_model or last.model.get("writing", fingerprints.prompt) != fingerprints.prompt:
        return Change.MODEL
    return Change.SETTINGS if _differ(last.config, now, _NARRATION_SETTINGS) else Change.PRODUCT


def _differ(before: JsonDict, now: JsonDict, sections: Mapping[str, Sequence[str] | None]) -> bool:
    """Whether any of these settings changed; ones that the record does not know count as unchanged."""
    return any(
        before[section][name] != value
        for section, names in sections.items()
        for name, value in now[section].items()
        if (names is None or name in names) and name not in _PLACE_SETTINGS and name in before.get(section, {})
    )


def _busy_s(to_do: Sequence[WorkItem], last: LastRun) -> float | None:
    if not last.seconds or any(not item.has_features and VISION_STAGES[-1] not in last.seconds for item in to_do):
        return None
    return sum(
        spent_s
        for item in to_do
        for stage, spent_s in last.seconds.items()
        if not (item.has_features and stage in VISION_STAGES)
    )
