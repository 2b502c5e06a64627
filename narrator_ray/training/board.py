"""What a training says of itself while it runs: how far it is, how fast, and what stops it. Knows no Ray."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from narrator_ray.errors import NarratorError
from narrator_ray.training.step_report import StepReport

_WINDOW_STEPS = 50
"""The rate is that of the last steps, so that it follows what workers come and go."""


@dataclass(frozen=True, slots=True)
class TrainingSnapshot:
    """How far a training is.

    Attributes:
        num_steps: Of the whole training; 0 while nobody knows.
        done: The last step that was taken, or None.
        validation_loss: Of the last validation, or None.
        tokens_per_s: Tokens through the model of all workers.
        remaining_s: Seconds of the steps that are left, or None while nobody knows.
        num_starts: How often workers began: once, once more after each loss, and when their number changed.
        began_at: The step that they began with last.
    """

    num_steps: int = 0
    done: StepReport | None = None
    validation_loss: float | None = None
    tokens_per_s: float = 0.0
    remaining_s: float | None = None
    num_starts: int = 0
    began_at: int = 0


class TrainingBoard:
    """Kept by one small actor; the first worker reports to it."""

    def __init__(self) -> None:
        self._snapshot = TrainingSnapshot()
        self._recent: deque[tuple[float, int]] = deque(maxlen=_WINDOW_STEPS)
        self._error: NarratorError | None = None

    def begin(self, num_steps: int, step: int) -> None:
        """Workers are ready to take the next step of so many."""
        self._recent.clear()
        self._snapshot = replace(
            self._snapshot,
            num_steps=num_steps,
            remaining_s=None,
            num_starts=self._snapshot.num_starts + 1,
            began_at=step,
        )

    def step(self, report: StepReport, took_s: float) -> None:
        """A step was taken, in so many seconds."""
        self._recent.append((took_s, report.num_tokens))
        seconds = sum(took for took, _ in self._recent)
        self._snapshot = replace(
            self._snapshot,
            done=report,
            tokens_per_s=sum(tokens for _, tokens in self._recent) / seconds if seconds else 0.0,
            remaining_s=(self._snapshot.num_steps - report.step - 1) * seconds / len(self._recent),
        )

    def validation(self, loss: float) -> None:
        """Held-out videos were looked at."""
        self._snapshot = replace(self._snapshot, validation_loss=loss)

    def report(self, error: NarratorError) -> None:
        """Say what stops the training."""
        self._error = error

    def error(self) -> NarratorError | None:
        """What was reported last."""
        return self._error

    def snapshot(self) -> TrainingSnapshot:
        """How far it is."""
        return self._snapshot
