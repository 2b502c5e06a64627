"""How the learning rate rises and falls. Source: paper, section 5 (cosine, warm-up 3 %); transformers' formulas."""

from __future__ import annotations

import math

from narrator_ray.config import TrainingSettings


def learning_rate(step: int, num_steps: int, settings: TrainingSettings) -> float:
    """Learning rate of a step.

    Args:
        step: 0-based.
        num_steps: Of the whole training.
        settings: Peak, warm-up and how it falls.
    """
    num_rising = math.ceil(settings.warmup_fraction * num_steps)
    if step < num_rising:
        return settings.learning_rate * step / num_rising
    progress = (step - num_rising) / max(1, num_steps - num_rising)
    return settings.learning_rate * _left(progress, settings.schedule)


def _left(progress: float, schedule: str) -> float:
    """Share of the peak that is left when so much of the way after the warm-up is done."""
    if schedule == "constant":
        return 1.0
    progress = min(1.0, progress)
    return 1 - progress if schedule == "linear" else (1 + math.cos(math.pi * progress)) / 2
