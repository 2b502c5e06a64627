"""Projector, position embedding and LoRA learn to narrate, round by round; what was learnt becomes a file."""

from __future__ import annotations

import time
from typing import Any

import torch

from narrator_ray.config import LengthSettings, ModelSettings
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory
from narrator_ray.model.nano_trained import save_trained_parts
from narrator_ray.model.qformer import load_qformer
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.training.examples import Sample, example_of
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.nano.emphasis import emphasised
from narrator_ray.training.nano.lessons import lessons_of
from narrator_ray.training.nano.settings import NanoSettings
from narrator_ray.training.nano.work import checkpoint_of, log, replace_file, tell
from narrator_ray.training.packing import packs


def train(settings: NanoSettings) -> None:
    """The narration stage: every round that is not done."""
    for number in range(len(settings.rounds)):
        train_round(settings, number)


def train_round(settings: NanoSettings, number: int) -> None:
    """One round, from what the last one learnt."""
    aligned = open_model_directory(settings.work / "aligned")
    recipe = settings.training.model_copy(update={"learning_rate": settings.rounds[number].learning_rate})
    learner = Learner(aligned, recipe)
    began_s = time.monotonic()
    samples = samples_of(settings, number, aligned, learner.narrator.tokenizer)
    loop = TrainingLoop(learner, samples, recipe)
    checkpoint = checkpoint_of(settings, number)
    if checkpoint.is_file():
        loop.restore(torch.load(checkpoint, weights_only=True))
    elif number:
        learner.restore(torch.load(checkpoint_of(settings, number - 1), weights_only=True)["trained"])
    num_tokens = sum(len(sample.input_ids) for sample in samples)
    tell(
        f"round {number}: {len(samples)} samples of {num_tokens / len(samples):.0f} tokens, made in "
        f"{time.monotonic() - began_s:.0f} s; {loop.num_steps} steps",
    )
    began_s = time.monotonic()
    for report in loop.run():
        seconds = time.monotonic() - began_s
        began_s = time.monotonic()
        line = {"round": number, "step": report.step, "loss": round(report.loss, 4)}
        line |= {"tokens": report.num_tokens, "tokens_s": round(report.num_tokens / seconds)}
        log(settings.work, "training", line)
        if loop.step % settings.checkpoint_steps == 0 or loop.step == loop.num_steps:
            replace_file(checkpoint, loop.state())


def samples_of(settings: NanoSettings, number: int, model: ModelDirectory, tokenizer: Any) -> list[Sample]:
    """The lessons of a round, packed."""
    this = settings.rounds[number]
    qformer = load_qformer(model.qformer_path)
    tokens = StoryTokens.of(tokenizer, prompt_form("en"), "en")
    samples = list[Sample]()
    for lesson in lessons_of(settings, number, model, qformer):
        example = example_of(
            lesson.video, lesson.features, tokens, ModelSettings(), LengthSettings(), settings.training.max_tokens
        )
        for sample in packs(example, settings.training.batch_tokens):
            if lesson.pattern is None:
                samples.append(sample)
            else:
                samples.append(emphasised(sample, lesson.pattern, tokenizer, this.plain_share, lesson.lot))
    return samples


def export(settings: NanoSettings) -> None:
    """The newest checkpoint as the file that ships."""
    aligned = open_model_directory(settings.work / "aligned")
    learner = Learner(aligned, settings.training)
    numbers = [number for number in range(len(settings.rounds)) if checkpoint_of(settings, number).is_file()]
    state = torch.load(checkpoint_of(settings, numbers[-1]), weights_only=True)
    learner.restore(state["trained"])
    target = settings.work / "trained" / f"{numbers[-1]}-{state['epoch']}-{state['num_batches']:05d}"
    if not (target / "narrator.json").is_file():
        learner.save(target, "nano")
    settings.weights.parent.mkdir(parents=True, exist_ok=True)
    save_trained_parts(open_model_directory(target), settings.weights)
    size_mb = settings.weights.stat().st_size / 1e6
    place = f"round {numbers[-1]}, epoch {state['epoch']}, batch {state['num_batches']}"
    tell(f"export: {place}, {settings.weights}: {size_mb:.1f} MB")
