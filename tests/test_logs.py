"""What the program logs: plain lines for people, lines of JSON for programs."""

import json
import logging

import pytest

from narrator_ray.cli.logs import set_up_logging
from narrator_ray.cost import StageCost
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.video_log import VIDEO_LOG, log_video


@pytest.fixture(autouse=True)
def loggers_as_before():
    """Loggers are global: what a test sets up is undone."""
    names = ("narrator_ray", VIDEO_LOG)
    before = [(logger, logger.level, logger.propagate, logger.handlers) for logger in map(logging.getLogger, names)]
    yield
    for logger, level, propagate, handlers in before:
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagate, handlers


@pytest.mark.parametrize(("is_logged", "num_lines"), [(True, 1), (False, 0)])
def test_a_line_of_a_video_is_json_and_nothing_else(capsys, is_logged, num_lines):
    """On stderr, where it is asked for."""
    set_up_logging(False, is_logged)
    log_video("run-1", Outcome("key", None, {"narrate_clips": StageCost(1.0)}, "mug"))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [json.loads(line)["video_id"] for line in printed.err.splitlines()] == ["mug"] * num_lines
