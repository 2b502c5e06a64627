"""What is known of a step of training once it is done. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step that is done.

    Attributes:
        step: 0-based.
        epoch: It belongs to.
        loss: Mean cross entropy of the supervised tokens, before the step.
        learning_rate: It was taken with.
        gradient_norm: Before it was clipped.
        num_tokens: Through the model of all workers, padding included.
        num_supervised: Tokens that counted in the loss.
        waited_s: Seconds in which this worker waited for samples.
        num_workers: That took it together.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    num_tokens: int
    num_supervised: int
    waited_s: float = field(default=0.0, compare=False)
    num_workers: int = field(default=1, compare=False)
