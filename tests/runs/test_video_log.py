"""The log line of a video: one JSON object with what a program asks for, and no user's text."""

import json
import logging

import pytest

from narrator_ray.cost import StageCost
from narrator_ray.errors import RejectReason
from narrator_ray.records import Rejection
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.video_log import VIDEO_LOG, log_video, video_line

COSTS = {
    "split": StageCost(1.0, 0.5, num_clips=3),
    "sample": StageCost(2.0, 1.0, num_frames=12),
    "narrate": StageCost(4.0, 8.0, 0, 3, 30, 200, 50),
}


def test_a_narrated_video():
    """Seconds by step; its frames and clips once, not once a step."""
    line = json.loads(video_line("run-1", Outcome("key", None, COSTS, "mug")))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "event": "video",
        "run_id": "run-1",
        "video_id": "mug",
        "key": "key",
        "outcome": "narrated",
        "stage": None,
        "reason": None,
        "busy_s": {"split": 1.0, "sample": 2.0, "narrate": 4.0},
        "cpu_s": {"split": 0.5, "sample": 1.0, "narrate": 8.0},
        "frames": 12,
        "clips": 3,
        "tokens_written": 30,
        "tokens_read": 200,
        "tokens_shared": 50,
    }


def test_a_rejected_video_tells_where_and_why_but_not_what_it_saw():
    """The detail may quote a file or an address: it stays in the rejected table."""
    rejection = Rejection("mug", "/secret/mug.mp4", "split", RejectReason.VIDEO_EMPTY, "secret has no bytes")
    text = video_line("run-1", Outcome("key", rejection, {"split": StageCost(1.0)}, "mug"))
    line = json.loads(text)
    assert (line["outcome"], line["stage"], line["reason"]) == ("rejected", "split", "video_empty")
    assert "secret" not in text


@pytest.mark.parametrize(("level", "num_lines"), [(logging.INFO, 1), (logging.WARNING, 0)])
def test_lines_have_a_logger_of_their_own(level, num_lines):
    """At INFO, so that they can be had or left out without the rest."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger(VIDEO_LOG)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        log_video("run-1", Outcome("key", None, COSTS, "mug"))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    assert [json.loads(line)["video_id"] for line in lines] == ["mug"] * num_lines
