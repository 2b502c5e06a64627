"""What a run did, in numbers: the table of stages, and the record that is published as run.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from narrator_ray.catalog.shard import WHOLE, Shard
from narrator_ray.cost import StageCost
from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.records import JsonDict, Rejection
from narrator_ray.runs.cost_figures import NO_CLUSTER, Cluster, cost_figures


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one row of the graph.

    Attributes:
        narration_key: Which result the row was to make.
        rejection: Why there is none, or None.
        costs: What each step that looked at the row took for it, by the step's name, in order.
        video_id: As in the catalogue.
    """

    narration_key: str
    rejection: Rejection | None
    costs: Mapping[str, StageCost]
    video_id: str = ""


COUNTS = (
    "num_videos",
    "num_narrated",
    "num_reused",
    "num_features_reused",
    "num_clips",
    "num_clips_in_window",
    "num_rejected",
)
"""What is counted of a run, and adds up over shards."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A complete run.

    Attributes:
        run_id: Name of the run: UTC time and a random tail.
        out: Where the output lies.
        started_at: ISO 8601, UTC.
        finished_at: ISO 8601, UTC.
        num_videos: Videos in the catalogue, or in the shard of it.
        num_narrated: Videos with a result, made now or earlier.
        num_reused: Videos whose result was there before.
        num_features_reused: Videos that were narrated now from features made earlier.
        num_clips: Clips with a narration.
        num_clips_in_window: Clips whose narration lies inside its length window.
        num_rejected: Videos without a result.
        stages: Table of stages; empty when nothing was left to do.
        model: Name, fingerprints and training state of the model.
        manifest: Source and fingerprint of the catalogue.
        max_rejected_fraction: The share above which the run counts as failed.
        software: Versions that made it.
        reasons: Videos by what the plan made of them.
        graph_s: Seconds from the start of the graph to its end, start of Ray included; 0 when nothing was to do. Of a
            run that was put together from shards, their sum.
        cluster: What the cluster had when the graph began.
        is_published: Whether readers follow it now.
        shard: Which videos of the catalogue it has.
        shards: Names of the runs that it was put together from.
        waits_for: Shards of the same night that are not complete yet.
        merged: What was put together from this run and its siblings, if it completed the night.
    """

    run_id: str
    out: str
    started_at: str
    finished_at: str
    num_videos: int
    num_narrated: int
    num_reused: int
    num_features_reused: int
    num_clips: int
    num_clips_in_window: int
    num_rejected: int
    stages: tuple[StageSummary, ...]
    model: JsonDict
    manifest: JsonDict
    max_rejected_fraction: float
    software: JsonDict = field(default_factory=dict)
    reasons: JsonDict = field(default_factory=dict)
    graph_s: float = 0.0
    cluster: Cluster = NO_CLUSTER
    is_published: bool = True
    shard: Shard = WHOLE
    shards: tuple[str, ...] = ()
    waits_for: tuple[Shard, ...] = ()
    merged: RunSummary | None = None

    @property
    def has_too_many_rejected(self) -> bool:
        """Whether the rejected share is above the limit."""
        return self.num_rejected > self.max_rejected_fraction * self.num_videos

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {
            "run_id": self.run_id,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            **{name: getattr(self, name) for name in COUNTS},
            "stages": [stage.to_json() for stage in self.stages],
            "model": self.model,
            "manifest": self.manifest,
            "max_rejected_fraction": self.max_rejected_fraction,
            "software": self.software,
            "reasons": self.reasons,
            "graph_s": round(self.graph_s, 3),
            "cost": cost_figures(self.stages, self.cluster, self.graph_s),
            **({} if self.shard.is_whole else {"shard": str(self.shard)}),
            **({"shards": list(self.shards)} if self.shards else {}),
        }
