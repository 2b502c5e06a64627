"""What pipelines are compared on: storefront films, what is to be done with them, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from narrator_ray.catalog.manifest import open_catalog
from narrator_ray.config import Config
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.pipeline import Resolved, narration_graph
from narrator_ray.runs.plan import plan_run
from narrator_ray.runs.work import WorkItem
from narrator_ray.schema import PLANNED
from narrator_ray.stages.item import planned_row
from narrator_ray.stages.stage import Machine, Stage

ENCODE, NARRATE = "encode_features", "narrate_clips"
THIS_MACHINE = Machine(2, 0)


class NoBoard:
    """A progress board that nobody looks at."""

    def __init__(self) -> None:
        self.add_clips = self.finish = self

    def remote(self, *counts: object) -> None:
        """What a stage calls on an actor's method."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, once for each way to do it.

    Attributes:
        manifest: The catalogue.
        config: Settings.
        folder: Where outputs go.
    """

    manifest: Path
    config: Config
    folder: Path

    def output(self, name: str) -> Resolved:
        """An output of its own for one way."""
        preset = find_preset(self.config.model.preset)
        return Resolved(self.config, preset, prepare_model(preset), ResultStore.open(str(self.folder / name)))

    def items(self) -> tuple[WorkItem, ...]:
        """All films, nothing done yet."""
        empty = self.output("empty")
        return tuple(plan_run(open_catalog(str(self.manifest)), empty.store, self.config, empty.fingerprints).to_do)


@dataclass(frozen=True, slots=True)
class Done:
    """What one way took.

    Attributes:
        seconds: In all.
        by_stage: Of each stage.
        num_frames: Frames looked at.
        num_clips: Clips narrated.
    """

    seconds: float
    by_stage: dict[str, float]
    num_frames: int
    num_clips: int

    def __str__(self) -> str:
        return f"{self.num_frames / self.seconds:.1f} frames/s, {self.num_clips / self.seconds:.2f} clips/s"

    @classmethod
    def of(cls, shared: Resolved, items: tuple[WorkItem, ...], by_stage: dict[str, float], seconds: float = 0) -> Done:
        """What is found in an output; seconds are those of the stages where none are given."""
        features = [shared.store.get_features(shared.fingerprints.encoder, item.features_key) for item in items]
        num_frames = sum(len(of_video.time_s_T) for of_video in features)
        num_clips = sum(len(of_video.clips) for of_video in features)
        return cls(seconds or sum(by_stage.values()), by_stage, num_frames, num_clips)


def stages_here(shared: Resolved) -> list[Stage]:
    """The stages of a run, to be used in this process."""
    return narration_graph(shared, THIS_MACHINE, NoBoard(), needs_decoding=True)


def planned(items: tuple[WorkItem, ...]) -> pa.Table:
    """The table that the first stage is given."""
    return pa.Table.from_pylist([planned_row(item) for item in items], schema=PLANNED)
