"""One trained variant is judged on unseen films: as a run tells them, with lengths only asked for, and by its loss."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from narrator_ray.model.context import prepare_context
from narrator_ray.model.load_options import LoadOptions
from narrator_ray.model.model_dir import SPEC_FILE
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.training.ablations.films import SeenFilm, examples_of, spoken_part
from narrator_ray.training.ablations.settings import AblationSettings
from narrator_ray.training.ablations.variants import Variant
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.nano.judge import as_text, figures_of, stories_of
from narrator_ray.training.nano.telling import Telling
from narrator_ray.training.packing import packs
from narrator_ray.training.validation import Validation
from narrator_ray.training.workers import Alone


def spoken_loss(
    settings: AblationSettings, variant: Variant, films: Sequence[SeenFilm], learner: Learner, loop: TrainingLoop
) -> float:
    """Mean cross entropy of what the films' own scripts say, labels and earlier clips given."""
    recipe, tokenizer = settings.training, learner.narrator.tokenizer
    examples = examples_of(films, variant, tokenizer, recipe.max_tokens)
    samples = [
        sample
        for seen, example in zip(films, examples, strict=True)
        for sample in packs(spoken_part(example, seen.film, tokenizer), recipe.batch_tokens)
    ]
    lengths = [len(sample.input_ids) for sample in samples]
    return Validation(samples, lengths, recipe).loss(learner, loop.engine, Alone())


def judge_variant(variant: Variant, films: Sequence[SeenFilm], learner: Learner, folder: Path) -> dict[str, float]:
    """Figures of a variant's stories.

    Args:
        variant: Which.
        films: Unseen ones.
        learner: What was trained.
        folder: Of this variant: gets the model directory and the stories.
    """
    target = folder / "model"
    if not (target / SPEC_FILE).is_file():
        shutil.rmtree(target, ignore_errors=True)
        learner.save(target, variant.name)
    narrator = VideoNarrator.load(target, **LoadOptions("auto").keywords("cpu"))
    contexts = [prepare_context(seen.features, variant.model) for seen in films]
    boards = [seen.film for seen in films]
    has_labels = variant.model.use_storyline
    told = stories_of(narrator, boards, contexts, Telling(has_labels=has_labels))
    (folder / "stories.txt").write_text(as_text(told), encoding="utf-8")
    unheld = stories_of(narrator, boards, contexts, Telling(has_labels=has_labels, is_length_kept=False))
    return figures_of(told) | {"in_window_unheld": figures_of(unheld)["in_window"]}
