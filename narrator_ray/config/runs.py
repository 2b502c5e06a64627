"""Sections on how the work of a run is spread, when it counts as failed and what its report holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from narrator_ray.config.section import Fraction, PositiveFloat, Section


class RunSettings(Section):
    """How the work is spread and when a run counts as failed."""

    max_rejected_fraction: Fraction = 0.5
    """Exit code 3 when more than this share of the videos was rejected."""
    videos_per_task: Annotated[int, Field(ge=1)] = 4
    """Videos a decoding task holds; the unit of parallelism and of loss. Above 16,384 videos it grows: a run has at
    most 4,096 such tasks."""
    encode_batch_frames: Annotated[int, Field(ge=1)] = 32
    """Frames the vision encoder sees at once."""
    narrate_lanes: Annotated[int, Field(ge=1)] = 64
    """Videos narrated side by side by one model replica; fewer where its memory does not suffice. As many more wait
    beside them."""
    cpu_threads: Annotated[int, Field(ge=0)] = 0
    """Threads a model replica on CPU computes with; 0 takes all cores of its machine."""
    encoder_actors: Annotated[int, Field(ge=1)] = 1
    """Most vision encoder replicas; with few videos fewer are started."""
    encoder_gpus: PositiveFloat = 0.25
    """GPUs, or the share of one, that a vision encoder replica holds where there are GPUs."""
    narrator_actors: Annotated[int, Field(ge=1)] = 1
    """Most narrator replicas; fewer are started where there are not `narrate_lanes` videos for each."""
    narrator_gpus: PositiveFloat = 0.75
    """GPUs, or the share of one, that a narrator replica holds where there are GPUs."""


class ReportSettings(Section):
    """What report.html holds."""

    embed_budget_mb: Annotated[float, Field(ge=0)] = 40.0
    """Videos are embedded in the page until this many MB are used; the rest are linked."""
    max_videos: Annotated[int, Field(ge=1)] = 500
    """Videos shown in the page, in catalogue order; the tables always hold all."""
