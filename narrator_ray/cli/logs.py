"""What the program logs, and in which form. All of it goes to stderr."""

from __future__ import annotations

import logging

from narrator_ray.runs.video_log import VIDEO_LOG


def set_up_logging(is_verbose: bool, is_video_logged: bool) -> None:
    """Lines with time and level; those of single videos are JSON and nothing else, for programs to read."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("narrator_ray").setLevel(logging.DEBUG if is_verbose else logging.INFO)
    videos = logging.getLogger(VIDEO_LOG)
    videos.setLevel(logging.INFO if is_video_logged else logging.WARNING)
    videos.propagate = False
    videos.handlers = [logging.StreamHandler()]
