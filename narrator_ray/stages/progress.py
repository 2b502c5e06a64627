"""The board on which stages count what they finished: the driver draws the progress display from it, Ray's metrics are
recorded by it.

It lives through the run and ends in order, so that no count is lost with a worker. What a worker did twice, because it
died before it could hand on its rows, is counted twice: it was done twice. Results, rejections and the figures of
run.json do not come from here, they travel with the rows themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from narrator_ray.cost import StageCost
from narrator_ray.stages import metrics
from narrator_ray.stages.metrics import Metric

if TYPE_CHECKING:
    from narrator_ray.stages.item import StageRow


@dataclass(frozen=True, slots=True)
class ProgressSnapshot:
    """What is done so far.

    Attributes:
        videos: Videos that left each stage, by the stage's name.
        clips: Clips narrated.
        rejected_by_stage: Videos rejected in each stage, by the stage's name.
        clips_by_stage: Clips of the videos that left each stage, by the stage's name.
        num_finished: Videos that are done or rejected.
        begun_again: How often a stage began a video again because its process had died.
    """

    videos: Mapping[str, int] = field(default_factory=dict)
    clips: int = 0
    rejected_by_stage: Mapping[str, int] = field(default_factory=dict)
    clips_by_stage: Mapping[str, int] = field(default_factory=dict)
    num_finished: int = 0
    begun_again: int = 0

    @property
    def rejected(self) -> int:
        """Videos rejected, in any stage."""
        return sum(self.rejected_by_stage.values())


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is known of a run when its graph begins.

    Attributes:
        num_videos: Videos to do.
        last_stage: Name of the step after which a video is done.
        gpus_by_stage: Share of a GPU that each stage holds, by the stage's name.
        cache_hits: Videos whose features, and whose narrations, were found.
    """

    num_videos: int
    last_stage: str
    gpus_by_stage: Mapping[str, float] = field(default_factory=dict)
    cache_hits: Mapping[str, int] = field(default_factory=dict)


class MetricSink(Protocol):
    """Takes the values of metrics."""

    def record(self, metric: Metric, value: float, **tags: str) -> None:
        """Add to a counter, set a gauge, or observe for a histogram."""


class ProgressBoard:
    """Counts, kept by one small actor that takes no CPU.

    Args:
        sink: Where metrics go.
    """

    def __init__(self, sink: MetricSink) -> None:
        self._sink = sink
        self._run = RunStart(0, "")
        self._videos: Counter[str] = Counter()
        self._clips = 0
        self._rejected: Counter[str] = Counter()
        self._clips_by_stage: Counter[str] = Counter()
        self._num_finished = 0

    def begin(self, run: RunStart) -> None:
        """The graph begins."""
        self._run = run
        self._sink.record(metrics.REMAINING_VIDEOS, run.num_videos)
        for kind, num_videos in run.cache_hits.items():
            self._sink.record(metrics.CACHE_HITS, num_videos, kind=kind)

    def add_clips(self, num_clips: int) -> None:
        """Clips were narrated."""
        self._clips += num_clips

    def finish(self, stage: str, cost: StageCost, rejected_for: str | None) -> None:
        """A video left a stage."""
        self._videos[stage] += 1
        self._clips_by_stage[stage] += cost.num_clips
        self._rejected[stage] += rejected_for is not None
        for metric, value in _values(cost, self._run.gpus_by_stage.get(stage, 0.0)):
            self._sink.record(metric, value, stage=stage)
        for kind in ("written", "read", "shared"):
            self._sink.record(metrics.TOKENS, getattr(cost, f"tokens_{kind}"), kind=kind)
        if rejected_for is not None:
            self._sink.record(metrics.REJECTED_VIDEOS, 1, stage=stage, reason=rejected_for)
        if rejected_for is not None or stage == self._run.last_stage:
            self._num_finished += 1
            self._sink.record(metrics.REMAINING_VIDEOS, max(0, self._run.num_videos - self._num_finished))

    def snapshot(self) -> ProgressSnapshot:
        """The counts so far."""
        by_stage = (dict(self._rejected), dict(self._clips_by_stage))
        return ProgressSnapshot(dict(self._videos), self._clips, *by_stage, self._num_finished)


def _values(cost: StageCost, gpus: float) -> Sequence[tuple[Metric, float]]:
    """What is recorded of a stage's work for one video."""
    return (
        (metrics.VIDEOS, 1),
        (metrics.FRAMES, cost.num_frames),
        (metrics.CLIPS, cost.num_clips),
        (metrics.BUSY_SECONDS, cost.busy_s),
        (metrics.CPU_SECONDS, cost.cpu_s),
        (metrics.GPU_SECONDS, gpus * cost.busy_s),
        (metrics.VIDEO_SECONDS, cost.busy_s),
    )


class ProgressReporter:
    """A stage's way to the board; sends and does not wait."""

    def __init__(self, board: Any, stage: str) -> None:
        self._board = board
        self._stage = stage

    def add_clips(self, num_clips: int) -> None:
        """Clips were narrated."""
        self._board.add_clips.remote(num_clips)

    def finish(self, row: StageRow) -> None:
        """A video leaves the stage, done or rejected."""
        rejected_for = None if row.rejection is None else str(row.rejection.reason)
        self._board.finish.remote(self._stage, row.costs[self._stage], rejected_for)
