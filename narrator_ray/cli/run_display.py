"""What is seen while a run goes on."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live

from narrator_ray.cli.arguments import console

if TYPE_CHECKING:
    from narrator_ray.console import RunProgress
    from narrator_ray.runs.plan import RunPlan
    from narrator_ray.stages.progress import ProgressSnapshot

LOG_EVERY_S = 5.0
_LOG = logging.getLogger("narrator_ray")


class RunDisplay:
    """How a run goes: a live display on a terminal, a log line every few seconds elsewhere.

    Args:
        is_extraction: Whether it makes features only.
    """

    def __init__(self, is_extraction: bool = False) -> None:
        from narrator_ray.pipeline import STAGES, VISION_STAGES, Listeners

        self._stages = VISION_STAGES if is_extraction else STAGES
        self._what = "extract" if is_extraction else "narrate"
        self._doing = "extracting" if is_extraction else "narrating"
        self._native = _NativeStderr() if sys.stderr.isatty() else None
        self._console = self._native.console if self._native is not None else console(stderr=True)
        self._live: Live | None = None
        self._progress: RunProgress | None = None
        self._last_line = time.monotonic()
        self.listeners = Listeners(self._on_model, self._on_plan, self._on_progress, self._on_publish)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop()
        if self._native is not None:
            self._native.give_back(show=kind is not None)

    def _on_model(self, name: str) -> None:
        self._say(f"model {name}: making weights ready (once per machine)")

    def _on_plan(self, plan: RunPlan) -> None:
        from narrator_ray.runs.reasons import WorkReason

        counts = plan.counts
        self._say(
            f"{plan.num_to_do} videos to {self._what}, {plan.num_reused} unchanged, "
            f"{counts[WorkReason.NOT_FOUND]} not found"
            + (f", {counts[WorkReason.STILL_REJECTED]} rejected before" if counts[WorkReason.STILL_REJECTED] else "")
            + ("; starting Ray" if plan.num_to_do else "")
        )
        if not plan.num_to_do:
            return
        from narrator_ray.console import RunProgress

        self._progress = RunProgress(plan.num_to_do, self._stages, self._doing)
        if self._console.is_terminal:
            self._live = Live(self._progress, console=self._console, transient=True, refresh_per_second=4)
            self._live.start()

    def _on_progress(self, snapshot: ProgressSnapshot) -> None:
        if self._progress is None:
            return
        self._progress.update(snapshot)
        if self._live is None and time.monotonic() - self._last_line > LOG_EVERY_S:
            self._last_line = time.monotonic()
            self._say(self._progress.line)

    def _on_publish(self) -> None:
        self._stop()
        self._say("publishing")

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _say(self, line: str) -> None:
        if self._console.is_terminal:
            self._console.print(line, style="dim", markup=False, highlight=False)
        else:
            _LOG.info(line)


class _NativeStderr:
    """Keeps what native libraries write to stderr off a live display; it is shown when the run has failed.

    Attributes:
        console: Writes to the terminal all the same.
    """

    def __init__(self) -> None:
        self._terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed when stderr is given back
        os.dup2(self._kept.fileno(), sys.stderr.fileno())
        self.console = Console(file=self._terminal)

    def give_back(self, show: bool) -> None:
        """Put stderr back as it was."""
        sys.stderr.flush()
        os.dup2(self._terminal.fileno(), sys.stderr.fileno())
        self._terminal.close()
        self._kept.seek(0)
        if show:
            sys.stderr.write(self._kept.read().decode(errors="replace"))
        self._kept.close()
