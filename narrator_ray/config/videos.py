"""Sections on how videos become clips and frames."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from narrator_ray.config.section import PositiveFloat, Section


class ClipSettings(Section):
    """How a video without given clips is split."""

    min_clip_s: PositiveFloat = 1.5
    """Shortest clip in seconds; shorter shots join their neighbour."""
    max_clip_s: PositiveFloat = 12.0
    """Longest clip in seconds; a longer shot is cut into even parts."""
    detector_threshold: PositiveFloat = 27.0
    """PySceneDetect content detector: mean change of hue, saturation and luma (0-255) that makes a cut."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.max_clip_s < 2 * self.min_clip_s:
            raise ValueError("max_clip_s must be at least twice min_clip_s, or a long shot cannot be cut evenly")
        return self


class FrameSettings(Section):
    """Which frames of a clip are looked at."""

    fps: PositiveFloat = 1.0
    """Frames per second that are sampled; the paper's is 1."""
    max_video_s: PositiveFloat = 3600.0
    """A longer video is rejected rather than decoded, in seconds."""
    max_pixels: Annotated[int, Field(ge=1)] = 40_000_000
    """A video with larger pictures (width x height, as stored) is rejected before one is decoded; 8K has 33 million."""
    max_pictures: Annotated[int, Field(ge=1)] = 500_000
    """A video with more pictures, by its length and rate, is rejected; an hour at 120 a second has 432,000."""


class DecodeSettings(Section):
    """What one video may cost the process that decodes it, and how much of a damaged one is enough.

    Limits count for each of the two steps of a video, splitting and sampling.
    """

    least_fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of a video's length that is enough to narrate where its file breaks off; 1 rejects every such video."""

    timeout_s: PositiveFloat = 900.0
    """Seconds after which a decoder that is not done is killed and the video rejected."""
    memory_mb: Annotated[int, Field(ge=256)] = 4096
    """Resident memory in MiB beyond which the decoder is killed and the video rejected."""
    recycle_after_steps: Annotated[int, Field(ge=1)] = 200
    """Steps (two a video) after which the decoder's process is replaced, so that leaks do not grow."""
