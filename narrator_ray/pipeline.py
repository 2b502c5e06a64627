"""The way of the data, from a catalogue to published narrations.

    manifest -> plan -> [ split clips, sample frames ] -> encode features -> prepare context -> narrate clips -> publish

The part in the middle is a Ray Data graph, one row per video from end to end: no shuffle, no regrouping. Every result
is an object named by a hash of what it is made of and written at once, so a retried task, a killed run or a second run
can neither lose nor double a video. What is found done is not done again; a run that finds everything done starts no
Ray, and importing this module loads neither ray nor torch.
:func:`extract_features` goes the first half of the way only.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from narrator_ray.catalog.catalog import Catalog
from narrator_ray.catalog.manifest import open_catalog
from narrator_ray.catalog.shard import WHOLE, Shard
from narrator_ray.config import Config
from narrator_ray.errors import RejectReason
from narrator_ray.model.adapter_places import prepare_adapters
from narrator_ray.model.model_dir import ModelDirectory, adapter_fingerprint
from narrator_ray.model.presets import Preset, check_language, find_preset, prepare_model
from narrator_ray.narration.job import ENGINE_VERSION
from narrator_ray.narration.prompt import PROMPT_VERSION
from narrator_ray.outputs.store import ResultStore
from narrator_ray.runs.cost_figures import Cluster
from narrator_ray.runs.estimate import Estimate, estimate_run
from narrator_ray.runs.extraction import ExtractionSummary, features_plan
from narrator_ray.runs.night import night_of, publish_shard
from narrator_ray.runs.plan import RunPlan, plan_run
from narrator_ray.runs.publish import (
    Approve,
    RunRecord,
    announce_run,
    approve_all,
    new_run_id,
    publish_run,
    withdraw_run,
)
from narrator_ray.runs.run_folder import clean_up, run_folder
from narrator_ray.runs.summary import Outcome, RunSummary
from narrator_ray.runs.tally import Tally
from narrator_ray.runs.video_log import log_video
from narrator_ray.runs.work import Fingerprints
from narrator_ray.stages.decode_video import SAMPLE_FRAMES, SPLIT_CLIPS, DecodeVideo
from narrator_ray.stages.encode_features import ENCODE_FEATURES, EncodeFeatures
from narrator_ray.stages.narrate_clips import NARRATE_CLIPS, NarrateClips
from narrator_ray.stages.prepare_context import PREPARE_CONTEXT, PrepareContext
from narrator_ray.stages.progress import ProgressSnapshot, RunStart
from narrator_ray.stages.stage import Machine, Stage

STAGES = (SPLIT_CLIPS, SAMPLE_FRAMES, ENCODE_FEATURES, PREPARE_CONTEXT, NARRATE_CLIPS)
"""Every step that can see or reject a row, in order."""

VISION_STAGES = (SPLIT_CLIPS, SAMPLE_FRAMES, ENCODE_FEATURES)
"""Those that need no language model."""

MAX_BLOCKS = 4096
"""A large run has larger blocks rather than more: the driver keeps a note of each."""

ENCODER_CALLS = 3
"""Batches of videos that a vision encoder is given at once: one that is encoded, one whose features are being stored,
and one that waits, so that none of them makes the others wait."""

VIDEOS_PER_LANE = 2
"""Videos that a narrator is given for each of its lanes: one that is narrated and one that waits to take its place."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Everything the stages of one run share."""

    config: Config
    preset: Preset
    model: ModelDirectory
    store: ResultStore
    adapters: Mapping[str, Path] = field(default_factory=dict)

    @property
    def fingerprints(self) -> Fingerprints:
        """What results depend on besides the catalogue and the settings."""
        return Fingerprints(
            self.model.spec.fingerprints.encoder,
            self.model.spec.fingerprints.narrator,
            f"{PROMPT_VERSION}:{self.model.spec.prompt or 'default'}+{ENGINE_VERSION}",
            {name: adapter_fingerprint(path) for name, path in self.adapters.items()},
        )


def narration_graph(shared: Resolved, machine: Machine, board: Any, needs_decoding: bool) -> list[Stage]:
    """The stages a run needs: without any video to decode, the vision side is left out."""
    language = language_stages(shared, machine, board)
    return [*vision_stages(shared, machine, board), *language] if needs_decoding else language


def vision_stages(shared: Resolved, machine: Machine, board: Any) -> list[Stage]:
    """From a video to its features in the store."""
    config, store, encoder = shared.config, shared.store, shared.fingerprints.encoder
    return [
        Stage(
            "decode_video",
            DecodeVideo,
            {"config": config, "image_size_px": shared.model.spec.vision.image_size_px, "board": board},
            batch_videos=1,
            num_cpus=min(1.0, machine.num_cpus / 2) or 1.0,  # a cluster may begin with a head that holds no work
            first_step=SPLIT_CLIPS,
        ),
        Stage(
            "encode_features",
            EncodeFeatures,
            _model_arguments(shared, machine, board),
            batch_videos=config.run.videos_per_task,
            num_actors=config.run.encoder_actors,
            calls_per_actor=ENCODER_CALLS,
            videos_per_actor=ENCODER_CALLS * config.run.videos_per_task,
            num_cpus=_replica_cpus(shared, machine),
            num_gpus=_replica_gpus(shared, machine, config.run.encoder_gpus),
            is_done=lambda item: store.has_features(encoder, item.features_key),
        ),
    ]


def language_stages(shared: Resolved, machine: Machine, board: Any) -> list[Stage]:
    """From features in the store to narrations."""
    config, store = shared.config, shared.store
    return [
        Stage(
            "prepare_context",
            PrepareContext,
            {
                "store": store,
                "config": config,
                "encoder_fingerprint": shared.fingerprints.encoder,
                "board": board,
            },
            batch_videos=config.run.videos_per_task,
            num_cpus=0.25,
        ),
        Stage(
            "narrate_clips",
            NarrateClips,
            {**_model_arguments(shared, machine, board), "adapters": tuple(shared.adapters)},
            batch_videos=config.run.videos_per_task,
            num_actors=config.run.narrator_actors,
            calls_per_actor=math.ceil(VIDEOS_PER_LANE * config.run.narrate_lanes / config.run.videos_per_task),
            videos_per_actor=config.run.narrate_lanes,
            num_cpus=_replica_cpus(shared, machine),
            num_gpus=_replica_gpus(shared, machine, config.run.narrator_gpus),
            is_done=lambda item: store.has_narration(item.narration_key),
        ),
    ]


def _model_arguments(shared: Resolved, machine: Machine, board: Any) -> dict[str, Any]:
    device = machine.device(shared.config.model.device)
    return {
        "preset": shared.preset,
        "store": shared.store,
        "config": shared.config,
        "device": device,
        "board": board,
    }


def _replica_cpus(shared: Resolved, machine: Machine) -> float:
    """Logical CPUs of one replica of a model."""
    return 1.0 if machine.device(shared.config.model.device) == "cuda" else 0.25


def _replica_gpus(shared: Resolved, machine: Machine, asked: float) -> float:
    """GPUs of one replica of a model: what is asked for, where there are any."""
    return asked if machine.device(shared.config.model.device) == "cuda" else 0.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """What a run tells whoever started it. All optional.

    Attributes:
        on_model: Called with the preset's name before its weights are made ready, which can take half a minute.
        on_plan: Called with the plan before any work starts.
        on_progress: Called about twice a second while the graph runs.
        on_publish: Called when results are being put together.
    """

    on_model: Callable[[str], None] = field(default=lambda name: None)
    on_plan: Callable[[RunPlan], None] = field(default=lambda plan: None)
    on_progress: Callable[[ProgressSnapshot], None] = field(default=lambda snapshot: None)
    on_publish: Callable[[], None] = field(default=lambda: None)


def narrate_catalog(
    source: str,
    out: str,
    config: Config,
    limit: int | None = None,
    listeners: Listeners | None = None,
    retry: frozenset[RejectReason] = frozenset(),
    approve: Approve = approve_all,
    shard: Shard = WHOLE,
) -> RunSummary:
    """Narrate every video of a catalogue and publish the run.

    Of several shards each is a run of its own, at the same time as the others or not; the one that completes the night
    publishes all of them together, and its summary has what was published as ``merged``.

    Args:
        source: Path or URI of the manifest.
        out: Directory or URI prefix of the output.
        config: The resolved settings.
        limit: Only the first rows of the manifest.
        listeners: Who wants to know how it goes.
        retry: Rejections to try again besides those that every run tries again.
        approve: Looks at the complete run, of all shards, before readers do; says whether it becomes the published one.
        shard: Which of these videos are narrated.

    Raises:
        NarratorError: A catalogue, setting, model or output that does not work; nothing done so far is lost.
    """
    told = listeners or Listeners()
    started_at_s, run_id = time.time(), new_run_id()
    catalog = open_catalog(source, limit, config.storage, shard)
    shared = resolve(out, config, catalog, told, is_to_write=True)
    config = shared.config
    plan = plan_run(catalog, shared.store, config, shared.fingerprints, retry=retry, shard=shard)
    night = night_of(catalog, config, shared.fingerprints, plan, shard.count)
    record = RunRecord(
        run_id, source, config, shared.preset, shared.model, shared.fingerprints, started_at_s, shard=shard, night=night
    )
    announce_run(shared.store, record.folder, plan.num_to_do)
    told.on_plan(plan)
    tally, graph_started_s = Tally(STAGES), time.monotonic()
    if plan.num_to_do:
        _execute(shared, plan, run_id, tally, told.on_progress, STAGES)
    graph_s = time.monotonic() - graph_started_s if plan.num_to_do else 0.0
    told.on_publish()
    publish = publish_run if shard.is_whole else publish_shard
    return publish(shared.store, catalog, plan, tally, replace(record, graph_s=graph_s), approve)


def extract_features(
    source: str,
    out: str,
    config: Config,
    limit: int | None = None,
    listeners: Listeners | None = None,
    retry: frozenset[RejectReason] = frozenset(),
    shard: Shard = WHOLE,
) -> ExtractionSummary:
    """Make the features of every video that has none yet, and nothing else: narration finds them in the output.

    Arguments are those of :func:`narrate_catalog`, which makes the very same features where they are not there.

    Raises:
        NarratorError: A catalogue, setting, model or output that does not work; nothing done so far is lost.
    """
    told, run_id = listeners or Listeners(), new_run_id()
    catalog = open_catalog(source, limit, config.storage, shard)
    shared = resolve(out, config, catalog, told, is_to_write=True)
    plan = features_plan(plan_run(catalog, shared.store, shared.config, shared.fingerprints, retry=retry, shard=shard))
    announce_run(shared.store, run_folder(run_id), plan.num_to_do)
    told.on_plan(plan)
    tally = Tally(VISION_STAGES)
    if plan.num_to_do:
        _execute(shared, plan, run_id, tally, told.on_progress, VISION_STAGES)
    withdraw_run(shared.store, run_folder(run_id))
    return ExtractionSummary.of(plan, tally, shared.store.storage.uri, config.run.max_rejected_fraction)


def plan_catalog(
    source: str,
    out: str,
    config: Config,
    limit: int | None = None,
    retry: frozenset[RejectReason] = frozenset(),
    listeners: Listeners | None = None,
    shard: Shard = WHOLE,
) -> tuple[RunPlan, Estimate | None]:
    """What :func:`narrate_catalog` would do with the same arguments, and how long it would take. Changes nothing.

    Raises:
        NarratorError: A catalogue, setting, model or output that does not work.
    """
    catalog = open_catalog(source, limit, config.storage, shard)
    shared = resolve(out, config, catalog, listeners or Listeners(), is_to_write=False)
    plan = plan_run(catalog, shared.store, shared.config, shared.fingerprints, retry=retry, shard=shard)
    return plan, estimate_run(shared.store.storage, plan, shared.fingerprints)


def resolve(out: str, config: Config, catalog: Catalog, told: Listeners, is_to_write: bool) -> Resolved:
    """Preset, model and output of a catalogue, checked and made ready; the settings with those of the preset.

    Raises:
        NarratorError: One of them does not work.
    """
    preset = find_preset(config.model.preset, config.storage)
    check_language(preset, catalog.languages)
    adapters = prepare_adapters(config.model.adapters, catalog.adapters, config.storage)
    store = ResultStore.open(out, config.storage)
    if is_to_write:
        store.storage.check_writable()  # before weights are made ready, which can take half a minute
        clean_up(store.storage)
    told.on_model(preset.name)
    return Resolved(preset.completed(config), preset, prepare_model(preset, config.storage), store, adapters)


def _execute(
    shared: Resolved,
    plan: RunPlan,
    run_id: str,
    tally: Tally,
    on_progress: Callable[[ProgressSnapshot], None],
    steps: tuple[str, ...],
) -> None:
    from narrator_ray.stages.execute import execute_graph  # ray takes seconds to import

    is_whole = steps == STAGES

    def graph(machine: Machine, board: Any) -> list[Stage]:
        if is_whole:
            stages = narration_graph(shared, machine, board, plan.num_to_decode > 0)
        else:
            stages = vision_stages(shared, machine, board)
        gpus_by_stage = {stage.name: stage.num_gpus for stage in stages}
        tally.cluster = Cluster(machine.num_cpus, machine.num_gpus, gpus_by_stage)
        found = plan.num_features_reused if is_whole else plan.num_reused
        cache_hits = {"features": found, "narrations": plan.num_reused if is_whole else 0}
        board.begin.remote(RunStart(plan.num_to_do, steps[-1], gpus_by_stage, cache_hits))
        return stages

    def on_outcome(outcome: Outcome) -> None:
        tally.add(outcome)
        log_video(run_id, outcome, "narrated" if is_whole else "encoded")

    num_videos = videos_per_block(shared.config, plan.num_to_do)
    execute_graph(graph, plan.to_do, num_videos, on_outcome, on_progress)


def videos_per_block(config: Config, num_to_do: int) -> int:
    """Videos of a block: what the settings say, and more where there would be too many blocks."""
    return max(config.run.videos_per_task, math.ceil(num_to_do / MAX_BLOCKS))
