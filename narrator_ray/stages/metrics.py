"""The metrics of a run: one table of all of them, and what records them with Ray.

Ray's agent of the node hands them to Prometheus. It puts ``ray_`` before every name and ``_total`` behind a counter,
and adds labels of its own (``WorkerId`` tells runs apart). A series appears with its first count. The ``_sum`` of a
histogram is Ray's guess from the middles of its buckets: sums are counters here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: As Ray is told it.
        kind: What may be done with it.
        unit: What it counts or measures.
        description: What it says.
        tag_keys: Labels that every value has.
        boundaries: Upper edges of a histogram's buckets, in its unit.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    tag_keys: tuple[str, ...] = ()
    boundaries: tuple[float, ...] = ()

    @property
    def exported_name(self) -> str:
        """As Prometheus knows it; of a histogram the beginning of its series' names."""
        return f"ray_{self.name}_total" if self.kind == "counter" else f"ray_{self.name}"


REMAINING_VIDEOS = Metric(
    "narrator_remaining_videos", "gauge", "videos", "Videos of a running job that are neither done nor rejected."
)
VIDEOS = Metric("narrator_videos", "counter", "videos", "Videos that left a stage, done or rejected.", ("stage",))
REJECTED_VIDEOS = Metric(
    "narrator_rejected_videos", "counter", "videos", "Videos that a stage rejected.", ("stage", "reason")
)
FRAMES = Metric("narrator_frames", "counter", "frames", "Frames sampled or encoded.", ("stage",))
CLIPS = Metric("narrator_clips", "counter", "clips", "Clips found, prepared or narrated.", ("stage",))
TOKENS = Metric(
    "narrator_tokens",
    "counter",
    "tokens",
    "Tokens written into narrations, read by the language model (prompts included), or shared: not read again.",
    ("kind",),
)
CACHE_HITS = Metric(
    "narrator_cache_hits",
    "counter",
    "videos",
    "Videos whose features or narrations were found in the output when the run began.",
    ("kind",),
)
BUSY_SECONDS = Metric("narrator_busy_seconds", "counter", "seconds", "Seconds that a stage worked.", ("stage",))
CPU_SECONDS = Metric("narrator_cpu_seconds", "counter", "seconds", "CPU time that a stage took.", ("stage",))
GPU_SECONDS = Metric(
    "narrator_gpu_seconds", "counter", "seconds", "Seconds that a stage worked, times its share of a GPU.", ("stage",)
)
VIDEO_SECONDS = Metric(
    "narrator_video_seconds",
    "histogram",
    "seconds",
    "Seconds that a stage worked for one video.",
    ("stage",),
    (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
)

METRICS: tuple[Metric, ...] = (
    REMAINING_VIDEOS,
    VIDEOS,
    REJECTED_VIDEOS,
    FRAMES,
    CLIPS,
    TOKENS,
    CACHE_HITS,
    BUSY_SECONDS,
    CPU_SECONDS,
    GPU_SECONDS,
    VIDEO_SECONDS,
)
"""Every metric that a run exports."""


class RayMetrics:
    """Records values with Ray, from the process that it is used in."""

    def __init__(self) -> None:
        self._instruments: dict[Metric, Any] = {}

    def record(self, metric: Metric, value: float, **tags: str) -> None:
        """Add to a counter, set a gauge, or observe for a histogram."""
        instrument = self._instrument(metric)
        if metric.kind == "gauge":
            instrument.set(value, tags)
        elif metric.kind == "histogram":
            instrument.observe(value, tags)
        elif value > 0:  # Ray refuses to add nothing
            instrument.inc(value, tags)

    def _instrument(self, metric: Metric) -> Any:
        if metric not in self._instruments:
            self._instruments[metric] = _new_instrument(metric)
        return self._instruments[metric]


def _new_instrument(metric: Metric) -> Any:
    from ray.util import metrics  # ray takes seconds to import

    description = f"{metric.description} Unit: {metric.unit}."
    if metric.kind == "histogram":
        return metrics.Histogram(metric.name, description, list(metric.boundaries), metric.tag_keys)
    kind = metrics.Counter if metric.kind == "counter" else metrics.Gauge
    return kind(metric.name, description, metric.tag_keys)
