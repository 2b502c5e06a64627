"""What is seen while a training goes on: a line every few seconds, one that is renewed on a terminal."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

from narrator_ray.cli.arguments import console

if TYPE_CHECKING:
    from narrator_ray.records import JsonDict
    from narrator_ray.stages.progress import ProgressSnapshot
    from narrator_ray.training.board import TrainingSnapshot
    from narrator_ray.training.training_set import TrainingSet

LOG_EVERY_S = 5.0
_LOG = logging.getLogger("narrator_ray")


class TrainDisplay:
    """How a training goes."""

    def __init__(self) -> None:
        from narrator_ray.train import TrainingListeners

        self._console = console(stderr=True)
        self._live: Live | None = None
        self._last_line_s = time.monotonic()
        self._num_samples_of = 0
        self.listeners = TrainingListeners(
            self._on_model, self._on_samples, self._on_graph, self._on_training, self._on_progress
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def _on_model(self, name: str) -> None:
        self._say(f"model {name}: making weights ready (once per machine)")

    def _on_samples(self, num_videos: int) -> None:
        self._num_samples_of = num_videos
        if num_videos:
            self._say(f"making samples of {num_videos} videos")

    def _on_graph(self, snapshot: ProgressSnapshot) -> None:
        from narrator_ray.console import progress_line
        from narrator_ray.train import TRAINING_STAGES

        self._show(
            f"{snapshot.num_finished} of {self._num_samples_of} videos; {progress_line(snapshot, TRAINING_STAGES, 0.0)}"
        )

    def _on_training(self, chosen: TrainingSet, told_deepspeed: JsonDict | None) -> None:
        if told_deepspeed is not None:
            self._say(f"DeepSpeed: {json.dumps(told_deepspeed)}")
        num_samples = sum(len(video.lengths) for video in chosen.learnt)
        self._say(
            f"learning from {len(chosen.learnt)} videos ({num_samples} sequences), {len(chosen.held_out)} held out, "
            f"{len(chosen.rejections)} rejected; starting workers"
        )

    def _on_progress(self, snapshot: TrainingSnapshot) -> None:
        from narrator_ray.console import training_line

        if snapshot.num_steps:
            self._show(training_line(snapshot))

    def _say(self, line: str) -> None:
        if self._console.is_terminal:
            self._console.print(line, style="dim", markup=False, highlight=False)
        else:
            _LOG.info(line)

    def _show(self, line: str) -> None:
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._console, transient=True, refresh_per_second=4)
                self._live.start()
            self._live.update(Text(line, "dim"))
        elif time.monotonic() - self._last_line_s > LOG_EVERY_S:
            self._last_line_s = time.monotonic()
            self._say(line)
