"""Projector, position embedding and LoRA learn to narrate, round by round; what was learnt becomes a file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch

from narrator_ray.config import LengthSettings, ModelSettings
from narrator_ray.demo.films import Film, retold, training_films
from narrator_ray.demo.splits import Split
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory
from narrator_ray.model.nano_trained import save_trained_parts
from narrator_ray.model.qformer import FrameQFormer, load_qformer
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.schema import VideoFeatures
from narrator_ray.training.examples import Sample, example_of
from narrator_ray.training.film_maps import FPS, FilmMaps
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.nano.emphasis import emphasised
from narrator_ray.training.nano.settings import FilmSettings, NanoSettings, RoundSettings
from narrator_ray.training.nano.work import checkpoint_of, log, maps_path, replace_bytes, replace_file, tell
from narrator_ray.training.packing import packs

_FRAMES_AT_ONCE = 64
_SEEDS_PER_TELLING = 1_000_003
_TELLINGS = 100
"""So far apart are the numbers of a film's tellings in one round; those of two rounds are ten apart."""
_FACT_WEIGHT = 4
"""What a fact that a script tells counts beside a thing seen that it names."""


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
    """The films of a round, packed."""
    this = settings.rounds[number]
    qformer = load_qformer(model.qformer_path)
    tokens = StoryTokens.of(tokenizer, prompt_form("en"), "en")
    samples = list[Sample]()
    for seed, told, lot in tellings(this, number):
        features = kept_features(settings, "train", seed, told, model, qformer)
        video = told.to_video(f"film-{seed:05d}", "film.mp4")
        example = example_of(video, features, tokens, ModelSettings(), LengthSettings(), settings.training.max_tokens)
        packed = packs(example, settings.training.batch_tokens)
        samples += [emphasised(sample, told, tokenizer, this.plain_share, lot) for sample in packed]
    return samples


def tellings(this: RoundSettings, number: int) -> Iterator[tuple[int, Film, int]]:
    """The films of a round as they are told in it, those with long shots several times.

    Args:
        this: The round.
        number: Of the round; in every one there are other scripts.

    Yields:
        Which film of the split it is; the film, told; the seed of what is drawn by lot from it.
    """
    for seed, film in enumerate(training_films("train", range(this.films))):
        for telling in range(this.long_tellings if has_long_shot(film) else 1):
            told = _told(film, seed, _TELLINGS * telling + number * 10, this.candidates)
            yield seed, told, _SEEDS_PER_TELLING * telling + seed


def _told(film: Film, seed: int, place: int, candidates: int) -> Film:
    """A film's pictures with the one of some new scripts that says most, or with its own."""
    seeds = [_SEEDS_PER_TELLING * (place + number) + seed for number in range(1, candidates + 1)]
    return max((retold(film, another) for another in seeds), key=num_told, default=film)


def num_told(film: Film) -> int:
    """How often a film's script names what is seen, and how many facts it tells, which count more."""
    return sum(len(shot.mentions) + _FACT_WEIGHT * len(shot.facts) for shot in film.script)


def has_long_shot(film: Film) -> bool:
    """Whether a shot of a film is told in several lines."""
    return any(len(shot.labels) > 1 for shot in film.script)


def kept_features(
    settings: FilmSettings, split: Split, seed: int, film: Film, model: ModelDirectory, qformer: FrameQFormer
) -> VideoFeatures:
    """A film's features, computed once for a model."""
    fingerprint = model.spec.fingerprints.encoder
    path = settings.work / "features" / fingerprint[:16] / split / f"{seed:05d}.arrow"
    if not path.is_file():
        features = features_of(film, FilmMaps.load(maps_path(settings, split, seed)), qformer, fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, features.to_arrow())
    return VideoFeatures.from_arrow(path.read_bytes())


def features_of(film: Film, maps: FilmMaps, qformer: FrameQFormer, fingerprint: str = "") -> VideoFeatures:
    """A film's features, as they would come out of the store."""
    with torch.inference_mode():
        batches = zip(*(torch.split(layer.float(), _FRAMES_AT_ONCE) for layer in maps.maps_TCHW), strict=True)
        tokens_TQD = torch.cat([qformer(batch) for batch in batches]).half().numpy()
    return VideoFeatures(
        clips=film.clips,
        clip_index_T=maps.clip_index_T,
        time_s_T=maps.time_s_T,
        tokens_TQD=tokens_TQD,
        thumbnails_jpeg=(b"",) * len(tokens_TQD),
        duration_s=film.clips[-1].end_s,
        fps=FPS,
        decoder="none",
        encoder_fingerprint=fingerprint,
        source_version="",
    )


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
