"""One line of JSON in the log for every video that a run worked on, when the run has done with it.

Says nothing of what was narrated, and names a video by its id only.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from narrator_ray.runs.summary import Outcome

VIDEO_LOG = "narrator_ray.videos"
"""Name of the logger. Lines have the level INFO."""

_LOG = logging.getLogger(VIDEO_LOG)
_COUNTS = ("tokens_written", "tokens_read", "tokens_shared")


def log_video(run_id: str, outcome: Outcome, success: str = "narrated") -> None:
    """Log what came of a video, if anybody listens."""
    if _LOG.isEnabledFor(logging.INFO):
        _LOG.info("%s", video_line(run_id, outcome, success))


def video_line(run_id: str, outcome: Outcome, success: str = "narrated") -> str:
    """The line: when, ids and key; outcome, stage and reason; seconds of every step; frames, clips and tokens.

    ``success`` is the outcome of a video that was not rejected.
    """
    rejection, costs = outcome.rejection, outcome.costs
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": "video",
        "run_id": run_id,
        "video_id": outcome.video_id,
        "key": outcome.narration_key,
        "outcome": success if rejection is None else "rejected",
        "stage": None if rejection is None else rejection.stage,
        "reason": None if rejection is None else str(rejection.reason),
        "busy_s": {stage: round(cost.busy_s, 3) for stage, cost in costs.items()},
        "cpu_s": {stage: round(cost.cpu_s, 3) for stage, cost in costs.items()},
        "frames": max((cost.num_frames for cost in costs.values()), default=0),
        "clips": max((cost.num_clips for cost in costs.values()), default=0),
        **{name: sum(getattr(cost, name) for cost in costs.values()) for name in _COUNTS},
    }
    return json.dumps(line, ensure_ascii=False)
