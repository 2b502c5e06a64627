"""Runs over made-up files with a made-up model: everything but decoding and generation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from narrator_ray.catalog.catalog import Catalog
from narrator_ray.catalog.shard import WHOLE, Shard
from narrator_ray.config import Config, SourceSettings, load_config
from narrator_ray.cost import StageCost
from narrator_ray.errors import ItemError, RejectReason, UnreadableVideo
from narrator_ray.model.model_dir import Fingerprints as ModelFingerprints
from narrator_ray.model.model_dir import ModelDirectory, ModelSpec, VisionSpec
from narrator_ray.model.presets import find_preset
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, NarratedVideo, Narration, Product, Rejection, ScriptLabel, Video
from narrator_ray.runs.night import night_of, publish_shard
from narrator_ray.runs.plan import RunPlan, plan_run
from narrator_ray.runs.publish import Approve, RunRecord, announce_run, approve_all, new_run_id, publish_run
from narrator_ray.runs.run_folder import run_folder
from narrator_ray.runs.summary import Outcome, RunSummary
from narrator_ray.runs.tally import Tally
from narrator_ray.runs.work import Fingerprints, WorkItem

CONFIG = load_config(preset="tiny-random")
PRINTS = Fingerprints("e" * 64, "n" * 64, "p")
STAGES = ("split_clips", "narrate_clips")
VISION = VisionSpec(
    kind="open_clip_qformer",
    image_size_px=32,
    num_queries=4,
    dim=8,
    mean=(0, 0, 0),
    std=(1, 1, 1),
    feature_layers=(-1,),
)
SPEC = ModelSpec(
    format="narrator-ray.model/1",
    name="made-up",
    languages=("en",),
    vision=VISION,
    is_trained=False,
    fingerprints=ModelFingerprints(encoder="e" * 64, narrator="n" * 64),
)
VIDEOS = [Video(name, f"/videos/{name}.mp4", Product(f"{name} <b>"), "en") for name in ("cup", "mug", "pot")]


def version_of(uri: str, rules: SourceSettings) -> str:
    """A catalogue of video files that are never opened; those of that name are not there."""
    if "missing" in uri:
        raise UnreadableVideo(RejectReason.VIDEO_NOT_FOUND, f"{uri} is not there")
    return f"version of {uri}"


def catalog_of(videos: Sequence[Video], shard: Shard = WHOLE) -> Catalog:
    """Those rows as a catalogue, or a shard of it."""
    catalog = Catalog(shard)
    for video in videos:
        catalog.add(video)
    return catalog


def plan_of(
    store: ResultStore,
    videos: Sequence[Video] = tuple(VIDEOS),
    config: Config = CONFIG,
    prints: Fingerprints = PRINTS,
    retry: frozenset[RejectReason] = frozenset(),
    find_version=version_of,
    shard: Shard = WHOLE,
) -> RunPlan:
    """A plan over files that are never opened."""
    return plan_run(catalog_of(videos, shard), store, config, prints, find_version, retry, shard)


def put_result(store: ResultStore, item: WorkItem) -> None:
    """A one-clip result."""
    video = item.video
    text = f"A {video.video_id}."
    narration = Narration(0, Clip(0.0, 2.0), (ScriptLabel.OTHERS,), "generated", text, 2, 2, 8, 2, (0.5,))
    keys = (item.narration_key, item.features_key)
    store.put_narration(
        NarratedVideo(video.video_id, *keys, video.uri, video.product, "en", (narration,), "decord", 2.0, "made-up")
    )


def publish(
    store: ResultStore,
    plan: RunPlan,
    outcomes: Sequence[Outcome] = (),
    videos: Sequence[Video] = tuple(VIDEOS),
    config: Config = CONFIG,
    prints: Fingerprints = PRINTS,
    graph_s: float = 0.0,
    shard: Shard = WHOLE,
    approve: Approve = approve_all,
) -> RunSummary:
    """Publish with a made-up model."""
    tally, catalog = Tally(STAGES), catalog_of(videos, shard)
    for outcome in outcomes:
        tally.add(outcome)
    model = ModelDirectory(Path("/nowhere"), SPEC)
    preset = find_preset("tiny-random")
    name = night_of(catalog, config, prints, plan, shard.count)
    record = RunRecord(new_run_id(), "catalog.jsonl", config, preset, model, prints, time.time(), graph_s, shard, name)
    return (publish_run if shard.is_whole else publish_shard)(store, catalog, plan, tally, record, approve)


def night(
    store: ResultStore,
    videos: Sequence[Video] = tuple(VIDEOS),
    rejected: Mapping[str, ItemError] | None = None,
    config: Config = CONFIG,
    prints: Fingerprints = PRINTS,
    retry: frozenset[RejectReason] = frozenset(),
) -> RunPlan:
    """A whole run: what is to do is narrated, but for those videos that are rejected; published; its plan."""
    plan = plan_of(store, videos, config, prints, retry)
    announce_run(store, run_folder(new_run_id()), plan.num_to_do)
    outcomes = narrate(store, plan, rejected or {})
    publish(store, plan, outcomes, videos, config, prints, graph_s=10.0 if outcomes else 0.0)
    return plan


def narrate(store: ResultStore, plan: RunPlan, rejected: Mapping[str, ItemError]) -> list[Outcome]:
    """What is to do of a plan, but for those videos that are rejected."""
    outcomes = []
    for item in plan.to_do:
        error = rejected.get(item.video.video_id)
        costs = {"split_clips": StageCost(2.0), "narrate_clips": StageCost(1.0)}
        if error is None:
            put_result(store, item)
            outcomes.append(Outcome(item.narration_key, None, costs))
        else:
            rejection = Rejection(item.video.video_id, item.video.uri, "split_clips", error.reason, error.detail)
            outcomes.append(Outcome(item.narration_key, rejection, {"split_clips": costs["split_clips"]}))
    return outcomes


def shard_run(
    store: ResultStore,
    shard: Shard,
    videos: Sequence[Video] = tuple(VIDEOS),
    rejected: Mapping[str, ItemError] | None = None,
    config: Config = CONFIG,
    approve: Approve = approve_all,
) -> RunSummary:
    """A whole run of one shard."""
    plan = plan_of(store, videos, config, shard=shard)
    outcomes = narrate(store, plan, rejected or {})
    graph_s = 10.0 if outcomes else 0.0
    return publish(store, plan, outcomes, videos, config, graph_s=graph_s, shard=shard, approve=approve)
