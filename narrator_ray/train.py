"""The way of the data, from a catalogue with references to a trained narrator.

    manifest -> [ split clips, sample frames -> encode features ] -> build samples -> train -> model directory

Features come from the store that narration uses, extracted first where they are missing; samples are made once and
stored. What a training is to learn is fixed when it begins and decides its name: the same command takes it up where it
stopped, or finds it done and starts no Ray. Importing this module loads neither ray nor torch.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrator_ray.catalog.catalog import Catalog
from narrator_ray.catalog.manifest import open_catalog
from narrator_ray.config import Config, TrainingSettings
from narrator_ray.errors import ConfigError
from narrator_ray.pipeline import Listeners, Resolved, resolve, videos_per_block, vision_stages
from narrator_ray.records import JsonDict, Rejection
from narrator_ray.runs.plan import plan_run
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.work import PlannedVideo, WorkItem
from narrator_ray.stages.build_samples import BUILD_SAMPLES, BuildSamples
from narrator_ray.stages.decode_video import SAMPLE_FRAMES, SPLIT_CLIPS
from narrator_ray.stages.encode_features import ENCODE_FEATURES
from narrator_ray.stages.progress import ProgressSnapshot, RunStart
from narrator_ray.stages.stage import Machine, Stage
from narrator_ray.training.base_adapter import adapter_to_train
from narrator_ray.training.curves import Curves
from narrator_ray.training.deepspeed import chosen_engine, deepspeed_settings
from narrator_ray.training.folder import (
    CONFIG,
    DEEPSPEED,
    MODEL,
    PRESET,
    RECORD,
    TrainingFolder,
    training_name,
)
from narrator_ray.training.samples import SampleStore, samples_key
from narrator_ray.training.trackers import check_tracker
from narrator_ray.training.training_set import TrainingSet, VideoSamples, is_held_out

if TYPE_CHECKING:
    from narrator_ray.training.board import TrainingSnapshot

TRAINING_STAGES = (SPLIT_CLIPS, SAMPLE_FRAMES, ENCODE_FEATURES, BUILD_SAMPLES)
"""Every step before training that can see or reject a video, in order."""
_SAMPLE_ACTORS, _VIDEOS_PER_ACTOR = 4, 64
"""Most actors that make samples, and the videos for which one more is worth the start of its process."""


@dataclass(frozen=True, slots=True)
class TrainingListeners:
    """What a training tells whoever started it. All optional.

    Attributes:
        on_model: Called with the preset's name before its weights are made ready.
        on_samples: Called with how many videos are to be made samples of, before that begins.
        on_graph: Called about twice a second while samples are made.
        on_training: Called with what is learnt and with what DeepSpeed is told, before training begins or goes on.
        on_progress: Called about twice a second while it trains.
    """

    on_model: Callable[[str], None] = field(default=lambda name: None)
    on_samples: Callable[[int], None] = field(default=lambda num_videos: None)
    on_graph: Callable[[ProgressSnapshot], None] = field(default=lambda snapshot: None)
    on_training: Callable[[TrainingSet, JsonDict | None], None] = field(default=lambda chosen, told: None)
    on_progress: Callable[[TrainingSnapshot], None] = field(default=lambda snapshot: None)


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """What came of a training.

    Attributes:
        place: Where its files are.
        model: The trained model directory.
        preset: Preset file to narrate with it.
        record: Figures, as training.json has them.
        was_done: Whether it was done before.
    """

    place: str
    model: str
    preset: str
    record: JsonDict
    was_done: bool


def train_catalog(
    source: str, out: str, config: Config, limit: int | None = None, listeners: TrainingListeners | None = None
) -> TrainingSummary:
    """Train a narrator on every video of a catalogue that has references.

    Args:
        source: Path or URI of the manifest.
        out: Directory or URI prefix of the output; features are shared with narration.
        config: The resolved settings.
        limit: Only the first rows of the manifest.
        listeners: Who wants to know how it goes.

    Raises:
        NarratorError: A catalogue, setting, model or output that does not work, or a training that cannot go on. What
            was done is kept: the same call goes on from there.
    """
    told = listeners or TrainingListeners()
    started_at_s = time.time()
    catalog = open_catalog(source, limit, config.storage)
    shared = resolve(out, config, catalog, Listeners(on_model=told.on_model), is_to_write=True)
    config = shared.config
    adapter_to_train(shared.model, config.training, config.model.use_adapter)
    chosen_engine(config.training)
    check_tracker(config.training.track)
    name = training_name(shared.preset.name, catalog.fingerprint, config, shared.fingerprints)
    folder = TrainingFolder(shared.store.storage, name)
    if (record := folder.record()) is not None:
        return _summary(folder, record, was_done=True)
    from narrator_ray.stages.session import ray_session  # ray takes seconds to import

    with ray_session():
        chosen = folder.training_set() or folder.fix(_make_samples(catalog, shared, told))
        snapshot = _train(shared, folder, chosen, told)
    took_s = time.time() - started_at_s
    record = _record(source, config, shared, chosen, folder.curves(), snapshot, took_s)
    folder.write(RECORD, json.dumps(record, indent=2, ensure_ascii=False))
    return _summary(folder, record, was_done=False)


def _make_samples(catalog: Catalog, shared: Resolved, told: TrainingListeners) -> TrainingSet:
    """Samples of every video, those that lack them made now; divided into what is learnt and what is held out.

    Raises:
        ConfigError: There is nothing to learn.
    """
    store = SampleStore(shared.store.storage)
    plan, known = plan_run(catalog, shared.store, shared.config, shared.fingerprints), store.known()
    named = [(planned, samples_key(planned.item, shared.config, shared.fingerprints)) for planned in plan.videos]
    # Rows that make the very same samples are one piece of work, which goes through the graph under their name.
    to_do = {
        key: replace(planned.item, narration_key=key)
        for planned, key in named
        if _has_file(planned) and key not in known
    }
    told.on_samples(len(to_do))
    rejected = _execute(shared, list(to_do.values()), told) if to_do else {}
    verdicts = [
        (planned.item, key, rejected.get(key) if _has_file(planned) else planned.rejection) for planned, key in named
    ]
    works = [(work, key) for work, key, rejection in verdicts if rejection is None]
    videos = [
        (work, VideoSamples(work.video.video_id, key, tuple(lengths)))
        for (work, key), lengths in zip(works, store.lengths([key for _, key in works]), strict=True)
    ]
    rejections = [
        replace(rejection, video_id=work.video.video_id, uri=work.video.uri)
        for work, _, rejection in verdicts
        if rejection is not None
    ]
    settings = shared.config.training
    held_out = [(work, samples) for work, samples in videos if is_held_out(work, settings)]
    chosen = TrainingSet(
        learnt=tuple(samples for work, samples in videos if not is_held_out(work, settings)),
        held_out=tuple(samples for _, samples in held_out),
        narrated=tuple(work for work, _ in held_out[: settings.narrate_held_out]),
        rejections=tuple(rejections),
    )
    chosen.check()
    return chosen


def _has_file(planned: PlannedVideo) -> bool:
    """Whether there is something to make samples of: a file that was found, and not found unreadable before."""
    return planned.rejection is None or planned.item.has_features


def _execute(shared: Resolved, to_do: list[WorkItem], told: TrainingListeners) -> dict[str, Rejection]:
    """Make samples; rejections by the name under which the work went."""
    from narrator_ray.stages.execute import execute_graph

    needs_decoding = not all(work.has_features for work in to_do)
    store, samples = shared.store, SampleStore(shared.store.storage)

    def graph(machine: Machine, board: Any) -> list[Stage]:
        build = Stage(
            "build_samples",
            BuildSamples,
            {
                "preset": shared.preset,
                "store": store,
                "config": shared.config,
                "fingerprints": shared.fingerprints,
                "board": board,
            },
            batch_videos=shared.config.run.videos_per_task,
            num_actors=min(_SAMPLE_ACTORS, math.ceil(len(to_do) / _VIDEOS_PER_ACTOR)),
            num_cpus=0.25,
            is_done=lambda work: samples.has(samples_key(work, shared.config, shared.fingerprints)),
        )
        board.begin.remote(RunStart(len(to_do), BUILD_SAMPLES))
        return [*(vision_stages(shared, machine, board) if needs_decoding else []), build]

    rejected: dict[str, Rejection] = {}

    def on_outcome(outcome: Outcome) -> None:
        if outcome.rejection is not None:
            rejected[outcome.narration_key] = outcome.rejection

    execute_graph(graph, to_do, videos_per_block(shared.config, len(to_do)), on_outcome, told.on_graph)
    return rejected


def _train(shared: Resolved, folder: TrainingFolder, chosen: TrainingSet, told: TrainingListeners) -> TrainingSnapshot:
    """Train to the end and leave the model directory; how far it was told last."""
    from narrator_ray.stages.train_narrator import fetch_trained, this_machine
    from narrator_ray.stages.training_worker import TrainingJob
    from narrator_ray.training.board import TrainingSnapshot
    from narrator_ray.training.trained_model import publish_model

    settings, machine = shared.config.training, this_machine()
    device = machine.device(shared.config.model.device)
    _check_room(settings, machine, device)
    is_deepspeed = chosen_engine(settings) == "deepspeed"
    told_deepspeed = _deepspeed_settings(shared.config, device) if is_deepspeed else None
    folder.write(CONFIG, shared.config.to_yaml())
    if told_deepspeed is not None:
        folder.write(DEEPSPEED, json.dumps(told_deepspeed, indent=2))
    told.on_training(chosen, told_deepspeed)
    last = TrainingSnapshot()

    def on_progress(snapshot: TrainingSnapshot) -> None:
        nonlocal last
        last = snapshot
        told.on_progress(snapshot)

    job = TrainingJob(shared.preset, shared.config, shared.store, shared.fingerprints, folder, chosen, device)
    with tempfile.TemporaryDirectory(prefix="narrator-ray-") as name:
        fetch_trained(job, on_progress, Path(name) / MODEL)
        publish_model(folder, shared.preset, shared.model, Path(name) / MODEL)
    return last


def _check_room(settings: TrainingSettings, machine: Machine, device: str) -> None:
    """Make sure that a local Ray has room for the workers; a cluster may grow.

    Raises:
        ConfigError: It has not: they would be waited for in vain.
    """
    name = "min_workers" if settings.min_workers else "num_workers"
    num_workers = getattr(settings, name)
    room = machine.num_gpus if device == "cuda" else machine.num_cpus
    if num_workers > room and not os.environ.get("RAY_ADDRESS"):
        what = "GPUs" if device == "cuda" else "CPUs"
        raise ConfigError(f"training.{name}: {num_workers}, but this machine has {room:g} {what} for them")


def _deepspeed_settings(config: Config, device: str) -> JsonDict:
    from narrator_ray.training.learner import chosen_precision

    settings = config.training
    return deepspeed_settings(settings, settings.num_workers, chosen_precision(settings, device))


def _record(
    source: str,
    config: Config,
    shared: Resolved,
    chosen: TrainingSet,
    curves: Curves,
    snapshot: TrainingSnapshot,
    took_s: float,
) -> JsonDict:
    steps = curves.of_kind("step")
    return {
        "catalog": source,
        "preset": shared.preset.name,
        "videos": chosen.num_videos,
        "learnt": len(chosen.learnt),
        "held_out": len(chosen.held_out),
        "rejected": len(chosen.rejections),
        "reasons": dict(chosen.reasons),
        "samples": sum(len(video.lengths) for video in chosen.learnt),
        "steps": len(steps),
        "tokens": sum(row["num_tokens"] for row in steps),
        "loss": steps[-1]["loss"] if steps else None,
        "validation_loss": curves.validation_loss,
        "workers": config.training.num_workers,
        "starts": snapshot.num_starts,
        "seconds": round(took_s, 1),
    }


def _summary(folder: TrainingFolder, record: JsonDict, was_done: bool) -> TrainingSummary:
    return TrainingSummary(folder.place(), folder.place(MODEL), folder.place(PRESET), record, was_done)
