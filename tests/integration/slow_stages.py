"""The program with stages that take their time, so that there is a middle of a run to kill something in.

A stage may be made to die of one video.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from narrator_ray import pipeline
from narrator_ray.stages.decode_video import DecodeVideo
from narrator_ray.stages.encode_features import EncodeFeatures
from narrator_ray.stages.item import rows_of
from narrator_ray.stages.narrate_clips import NarrateClips


class Slow:
    """Takes a while for a batch, and dies of one video as a process dies that the system kills for memory.

    Attributes:
        batch_s: How long.
        deadly: The video, if there is one.
    """

    batch_s = 0.3
    deadly: str | None = None

    def __call__(self, batch: Any) -> Any:
        """The batch, a while later, if it is survived."""
        time.sleep(self.batch_s)
        if any(row.work.video.video_id == self.deadly and row.rejection is None for row in rows_of(batch)):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


class SlowDecoder(Slow, DecodeVideo):
    """One video at a time."""

    batch_s = 0.15


class SlowEncoder(Slow, EncodeFeatures):
    """A few videos at a time."""


class SlowNarrator(Slow, NarrateClips):
    """A few videos at a time."""


def use_slow_stages(deadly_to_decode: str | None = None, deadly_to_narrate: str | None = None) -> None:
    """From now on, the runs of this process have them."""
    pipeline.DecodeVideo = type("SlowDecoder", (SlowDecoder,), {"deadly": deadly_to_decode})
    pipeline.EncodeFeatures = SlowEncoder
    pipeline.NarrateClips = type("SlowNarrator", (SlowNarrator,), {"deadly": deadly_to_narrate})
