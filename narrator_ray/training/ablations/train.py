"""One variant is trained: its own samples, the common recipe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch

from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.training.ablations.films import SeenFilm, examples_of
from narrator_ray.training.ablations.settings import AblationSettings
from narrator_ray.training.ablations.variants import Variant
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.nano.work import log, replace_file
from narrator_ray.training.packing import pack


def train_variant(
    settings: AblationSettings, variant: Variant, start: ModelDirectory, films: Sequence[SeenFilm], folder: Path
) -> tuple[Learner, TrainingLoop]:
    """Train a variant to its end, from its last checkpoint if there is one.

    Args:
        settings: The budget.
        variant: Which.
        start: The weights to begin with.
        films: To learn from.
        folder: Of this variant: checkpoint and curve.
    """
    recipe = variant.recipe(settings.training)
    learner = Learner(start, recipe)
    examples = examples_of(films, variant, learner.narrator.tokenizer, recipe.max_tokens)
    samples = [pack(example) for example in examples]
    # Each counts as a full batch, so that a step is a film for every variant, however many tokens it has.
    loop = TrainingLoop(learner, samples, recipe, lengths=[recipe.batch_tokens] * len(samples))
    checkpoint = folder / "training.pt"
    if checkpoint.is_file():
        loop.restore(torch.load(checkpoint, weights_only=True))
    began_s = time.monotonic()
    for report in loop.run():
        took_s, began_s = time.monotonic() - began_s, time.monotonic()
        line = {"step": report.step, "loss": round(report.loss, 4), "tokens": report.num_tokens}
        log(folder, "training", line | {"seconds": round(took_s, 2)})
        if loop.step % settings.checkpoint_steps == 0 or loop.step == loop.num_steps:
            replace_file(checkpoint, loop.state())
    return learner, loop
