"""Trains what joins vision and language of preset nano on the storefront, and writes the file that ships with it.

Run: python jobs/train_nano.py [draw] [align] [train] [export] [evaluate] [--config jobs/train_nano.yaml]

Without stages: all of them. Each finds what the ones before it left in the work directory, and goes on where it was
stopped.

draw      films made up, drawn where narration looks, seen by the image tower: one file of feature maps a film
align     the Q-Former learns to tell what is seen
train     projector, position embedding and LoRA learn to narrate
export    the trained parts as one file
evaluate  the exported model's stories of unseen films, read with the storefront's truth, and beside them those that it
          tells from another film's pictures and from none
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import yaml
from pydantic import Field

from narrator_ray.config import DecodingSettings, LengthSettings, ModelSettings, TrainingSettings
from narrator_ray.config.section import PositiveFloat, Section
from narrator_ray.demo.films import Film, retold, training_films
from narrator_ray.demo.orders import is_plausible_order
from narrator_ray.demo.splits import Split, split_of_pair
from narrator_ray.evaluation.storefront import Reading, read_story, summary
from narrator_ray.metrics.repetition import Repetition, released_repetition, released_words
from narrator_ray.model.context import ClipContext, prepare_context
from narrator_ray.model.embedded import save_projection
from narrator_ray.model.load_options import LoadOptions
from narrator_ray.model.model_dir import NUM_POSITIONS, ModelDirectory, open_model_directory, seal_model_directory
from narrator_ray.model.nano import write_nano
from narrator_ray.model.nano_trained import save_trained_parts
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.qformer import FrameQFormer, load_qformer, save_qformer
from narrator_ray.model.vision_encoder import OpenClipQFormerEncoder, load_vision_encoder
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.length import windows_for
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.schema import VideoFeatures
from narrator_ray.training.alignment import Aligner, AlignmentLoop, AlignmentSettings, SeenFrames, word_embeddings
from narrator_ray.training.examples import Sample, example_of
from narrator_ray.training.film_maps import FPS, FilmMaps, see_film
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.packing import packs

_POSITION_WAVES = 16
_POSITION_SCALE = 0.3
"""Length of a first position embedding, beside a query token's of one."""
_FRAMES_AT_ONCE = 64
_LANES = 16
_SEEDS_PER_TELLING = 1_000_003


class FilmCounts(Section):
    """Films of every split."""

    train: Annotated[int, Field(ge=1)] = 1000
    """To learn from."""
    validation: Annotated[int, Field(ge=1)] = 100
    """To watch training."""
    test: Annotated[int, Field(ge=1)] = 200
    """For the figures."""


class RoundSettings(Section):
    """One pass of the narration stage over films, each told by one script."""

    films: Annotated[int, Field(ge=1)]
    """Of the split train, from its first."""
    candidates: Annotated[int, Field(ge=0)] = 0
    """New scripts for a film's pictures, of which the one is taken that names most of what is seen; 0: its own."""
    learning_rate: PositiveFloat
    """Highest learning rate; it falls along a cosine in every round."""


class NanoSettings(Section):
    """The whole recipe."""

    work: Path
    """Directory for maps and checkpoints."""
    weights: Path
    """The file that ships."""
    films: FilmCounts = FilmCounts()
    """How many films."""
    processes: Annotated[int, Field(ge=1)] = 2
    """That draw."""
    alignment: AlignmentSettings = AlignmentSettings()
    """The first stage."""
    training: TrainingSettings = TrainingSettings()
    """The second stage."""
    rounds: Annotated[tuple[RoundSettings, ...], Field(min_length=1)]
    """Of the second stage, one after the other."""
    checkpoint_steps: Annotated[int, Field(ge=1)] = 20
    """Steps from checkpoint to checkpoint."""


def films_of(settings: NanoSettings, split: Split) -> list[Film]:
    """The films of a split."""
    return list(training_films(split, range(getattr(settings.films, split))))


def maps_path(settings: NanoSettings, split: Split, seed: int) -> Path:
    """Where the maps of a film lie."""
    return settings.work / "maps" / split / f"{seed:05d}.safetensors"


def maps_of(settings: NanoSettings, split: Split) -> list[FilmMaps]:
    """The maps of all films of a split."""
    return [FilmMaps.load(maps_path(settings, split, seed)) for seed in range(getattr(settings.films, split))]


def frames_of(settings: NanoSettings, split: Split) -> SeenFrames:
    """All frames of a split, in memory."""
    return SeenFrames.of(films_of(settings, split), maps_of(settings, split))


# draw


def untrained(settings: NanoSettings) -> ModelDirectory:
    """Nano as its packages give it."""
    target = settings.work / "untrained"
    if not (target / "narrator.json").is_file():
        target.mkdir(parents=True, exist_ok=True)
        write_nano(target, is_trained=False)
    return open_model_directory(target)


def draw(settings: NanoSettings) -> None:
    """Make all maps that are not there yet."""
    base = untrained(settings)
    for split in ("validation", "test", "train"):
        (settings.work / "maps" / split).mkdir(parents=True, exist_ok=True)
        seeds = range(getattr(settings.films, split))
        missing = [seed for seed in seeds if not maps_path(settings, split, seed).is_file()]
        if not missing:
            continue
        began_s = time.monotonic()
        if settings.processes == 1:
            _draw_films(settings, base, split, missing)
        else:
            tasks = [
                (settings, base, split, missing[begin :: settings.processes]) for begin in range(settings.processes)
            ]
            with get_context("spawn").Pool(settings.processes) as pool:
                pool.starmap(_draw_films, tasks)
        print(f"draw {split}: {len(missing)} films in {time.monotonic() - began_s:.0f} s", flush=True)


def _draw_films(settings: NanoSettings, base: ModelDirectory, split: Split, seeds: Sequence[int]) -> None:
    torch.set_num_threads(1)
    encoder = load_vision_encoder(base)
    assert isinstance(encoder, OpenClipQFormerEncoder)
    for seed, film in zip(seeds, training_films(split, seeds), strict=True):
        see_film(film, encoder).save(maps_path(settings, split, seed))


# align


def align(settings: NanoSettings) -> None:
    """Train the Q-Former, and write the model that the narration stage starts from."""
    base = untrained(settings)
    narrator = VideoNarrator.load(base.path)
    words = word_embeddings(narrator.tokenizer, narrator.token_embedding)
    aligner = Aligner(load_qformer(base.qformer_path).train(), words, settings.alignment)
    held_out, frames = frames_of(settings, "validation"), frames_of(settings, "train")
    loop = AlignmentLoop(aligner, frames, settings.alignment)
    checkpoint = settings.work / "alignment.pt"
    if checkpoint.is_file():
        loop.restore(torch.load(checkpoint, weights_only=True))
    began_s = time.monotonic()
    for loss in loop.run():
        replace_file(checkpoint, loop.state())
        figures = {name: round(share, 3) for name, share in aligner.accuracies(held_out).items()}
        log(settings, "alignment", {"epoch": loop.epoch, "loss": round(loss, 4), "validation": figures})
    print(f"align: {time.monotonic() - began_s:.0f} s", flush=True)
    _write_aligned(settings, base, aligner)


def _write_aligned(settings: NanoSettings, base: ModelDirectory, aligner: Aligner) -> None:
    target = settings.work / "aligned"
    (target / "narrator.json").unlink(missing_ok=True)
    target.mkdir(exist_ok=True)
    for part in ("llm", "vision"):
        if not (target / part).exists():
            (target / part).symlink_to((base.path / part).resolve(), target_is_directory=True)
    save_qformer(aligner.qformer, target / "qformer")
    projector = aligner.projector
    weights = (projector.weight.detach().numpy(), projector.bias.detach().numpy())
    save_projection(target, *weights, first_positions(base.spec.vision.dim, settings.alignment))
    spec = base.spec
    seal_model_directory(target, name="nano", languages=spec.languages, vision=spec.vision, is_trained=False)


def first_positions(dim: int, settings: AlignmentSettings) -> npt.NDArray[np.float32]:
    """A smooth way through the space of tokens: places near each other begin alike."""
    rng = np.random.default_rng(settings.seed)
    waves = np.cos(np.pi * np.arange(_POSITION_WAVES) * np.arange(NUM_POSITIONS)[:, None] / (NUM_POSITIONS - 1))
    positions = waves @ rng.standard_normal((_POSITION_WAVES, dim)) / (_POSITION_WAVES / 2) ** 0.5
    first_PD: npt.NDArray[np.float32] = (_POSITION_SCALE * settings.token_scale * positions).astype(np.float32)
    return first_PD


# train


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


def kept_features(
    settings: NanoSettings, split: Split, seed: int, film: Film, model: ModelDirectory, qformer: FrameQFormer
) -> VideoFeatures:
    """A film's features, computed once for a model."""
    fingerprint = model.spec.fingerprints.encoder
    path = settings.work / "features" / fingerprint[:16] / split / f"{seed:05d}.arrow"
    if not path.is_file():
        features = features_of(film, FilmMaps.load(maps_path(settings, split, seed)), qformer, fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, features.to_arrow())
    return VideoFeatures.from_arrow(path.read_bytes())


def samples_of(settings: NanoSettings, number: int, model: ModelDirectory, tokenizer: Any) -> list[Sample]:
    """The films of a round, packed."""
    this = settings.rounds[number]
    qformer = load_qformer(model.qformer_path)
    tokens = StoryTokens.of(tokenizer, prompt_form("en"), "en")
    samples = list[Sample]()
    for seed, film in enumerate(training_films("train", range(this.films))):
        features = kept_features(settings, "train", seed, film, model, qformer)
        seeds = [_SEEDS_PER_TELLING * (number * 10 + place + 1) + seed for place in range(this.candidates)]
        told = max((retold(film, another) for another in seeds), key=num_mentions) if seeds else film
        video = told.to_video(f"film-{seed:05d}", "film.mp4")
        example = example_of(video, features, tokens, ModelSettings(), LengthSettings(), settings.training.max_tokens)
        samples += packs(example, settings.training.batch_tokens)
    return samples


def num_mentions(film: Film) -> int:
    """How often a film's script names what is seen."""
    return sum(len(shot.mentions) for shot in film.script)


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
    print(
        f"round {number}: {len(samples)} samples of {num_tokens / len(samples):.0f} tokens, made in "
        f"{time.monotonic() - began_s:.0f} s; {loop.num_steps} steps",
        flush=True,
    )
    began_s = time.monotonic()
    for report in loop.run():
        seconds = time.monotonic() - began_s
        began_s = time.monotonic()
        line = {"round": number, "step": report.step, "loss": round(report.loss, 4)}
        line |= {"tokens": report.num_tokens, "tokens_s": round(report.num_tokens / seconds)}
        log(settings, "training", line)
        if loop.step % settings.checkpoint_steps == 0 or loop.step == loop.num_steps:
            replace_file(checkpoint, loop.state())


def checkpoint_of(settings: NanoSettings, number: int) -> Path:
    """Where a round of the narration stage leaves off."""
    return settings.work / f"training-{number}.pt"


# export


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
    print(f"export: {place}, {settings.weights}: {size_mb:.1f} MB", flush=True)


# evaluate


@dataclass(frozen=True, slots=True)
class Story:
    """What was told of a film."""

    film: Film
    results: tuple[ClipResult, ...]
    readings: tuple[Reading, ...]


def stories_of(
    narrator: VideoNarrator, films: Sequence[Film], contexts: Sequence[tuple[ClipContext, ...]]
) -> list[Story]:
    """The films told as a run tells them: labels chosen, lengths kept, greedily."""
    videos = [film.to_video(f"film-{place:04d}", "film.mp4") for place, film in enumerate(films)]
    jobs = [
        NarrationJob(
            job_id=video.video_id,
            product=video.product,
            language="en",
            clips=film.clips,
            contexts=its_contexts,
            storyline=None,
            windows=windows_for(video, film.clips, LengthSettings()),
            seed=0,
        )
        for video, film, its_contexts in zip(videos, films, contexts, strict=True)
    ]
    told: dict[str, list[ClipResult]] = {job.job_id: [] for job in jobs}
    for result in NarrationEngine(narrator, DecodingSettings(), _LANES).narrate(jobs):
        assert isinstance(result, ClipResult), result
        told[result.job_id].append(result)
    return [
        Story(film, tuple(told[video.video_id]), tuple(_read(film, told[video.video_id], video.product)))
        for film, video in zip(films, videos, strict=True)
    ]


def _read(film: Film, results: Sequence[ClipResult], product: Any) -> list[Reading]:
    return read_story([result.text for result in results], film.truth(), product)


def evaluate(settings: NanoSettings, split: Split, num_films: int) -> None:
    """Figures on unseen films, with controls, and stories to be read."""
    folders = sorted((settings.work / "trained").glob("[0-9]-*"))
    model = open_model_directory(folders[-1])
    narrator = VideoNarrator.load(model.path, **LoadOptions("auto").keywords("cpu"))
    qformer = load_qformer(model.qformer_path)
    films = films_of(settings, split)[:num_films]
    features = [kept_features(settings, split, seed, film, model, qformer) for seed, film in enumerate(films)]
    own = [prepare_context(one, ModelSettings()) for one in features]
    views = {"own film": own, "another film": swapped(own), "nothing": [blinded(contexts) for contexts in own]}
    figures = dict[str, Any]()
    for view, contexts in views.items():
        told = stories_of(narrator, films, contexts)
        figures[view] = figures_of(told)
        print(view, json.dumps(figures[view], indent=1), flush=True)
        if view == "own film":
            (settings.work / f"stories-{split}.txt").write_text(as_text(told), encoding="utf-8")
    report = {"model": folders[-1].name, "split": split, "films": num_films, "figures": figures}
    replace_bytes(settings.work / f"figures-{split}.json", json.dumps(report, indent=1).encode())


def swapped(contexts: Sequence[tuple[ClipContext, ...]]) -> list[tuple[ClipContext, ...]]:
    """Every film with the pictures of the next one, whose clips are gone through as often as needed."""
    others = [*contexts[1:], contexts[0]]
    return [
        tuple(replace(other[place % len(other)], position=clip.position) for place, clip in enumerate(own))
        for own, other in zip(contexts, others, strict=True)
    ]


def blinded(contexts: tuple[ClipContext, ...]) -> tuple[ClipContext, ...]:
    """A film with zeros for visual tokens."""
    return tuple(replace(clip, tokens_ND=np.zeros_like(clip.tokens_ND)) for clip in contexts)


def figures_of(stories: Sequence[Story]) -> dict[str, float]:
    """Shares over clips, and over stories where they are about whole stories."""
    readings = [reading for story in stories for reading in story.readings]
    figures = summary(readings)
    for name, is_unseen in (("seen_pairs", False), ("unseen_pairs", True)):
        some = [
            reading
            for story in stories
            for shot, reading in zip(story.film.storyboard.shots, story.readings, strict=True)
            if (split_of_pair(shot.form, shot.colour) != "train") == is_unseen
        ]
        if some:
            figures[f"colour_right_{name}"] = summary(some)["colour_right"]
    windows = [
        low <= result.num_words <= high
        for story in stories
        for result, (low, high) in zip(story.results, story_windows(story), strict=True)
    ]
    orders = [
        is_plausible_order([label for result in story.results for label in result.script_labels]) for story in stories
    ]
    figures["in_window"] = sum(windows) / len(windows)
    figures["label_order_plausible"] = sum(orders) / len(orders)
    figures["facts_told_per_clip"] = sum(len(reading.told) for reading in readings) / len(readings)
    figures["strange_words_per_clip"] = sum(len(reading.strange_words) for reading in readings) / len(readings)
    for name, texts in (
        ("repetition", [[result.text for result in story.results] for story in stories]),
        ("repetition_of_scripts", [[shot.narration for shot in story.film.script] for story in stories]),
    ):
        found = [told for told in map(repetition, texts) if told is not None]
        figures[name] = sum(told.share for told in found) / len(found)
    return {name: round(value, 4) for name, value in figures.items()}


def repetition(texts: Sequence[str]) -> Repetition | None:
    """Words of a story that it told before, as the paper's authors count them."""
    return released_repetition([released_words(re.findall(r"[\w'-]+", text.lower())) for text in texts])


def story_windows(story: Story) -> Iterable[tuple[int, int]]:
    """The length window of every clip."""
    video = story.film.to_video("film", "film.mp4")
    return windows_for(video, story.film.clips, LengthSettings())


def as_text(stories: Iterable[Story]) -> str:
    """Stories for people, each clip with what is true of it and what was read out of it."""
    lines = list[str]()
    for story in stories:
        lines.append(f"\n{story.film.product.name} ({story.film.product.kind.name})")
        for shot, result, reading in zip(story.film.storyboard.shots, story.results, story.readings, strict=True):
            labels = "+".join(str(label) for label in result.script_labels)
            lines.append(f"  {result.text}")
            wrong = [
                f"{name} {getattr(reading, name)}"
                for name in ("product", "colour", "scene", "motion", "looking_back")
                if getattr(reading, name) == "wrong"
            ]
            wrong += [f"contradicted: {fact}" for fact in reading.contradicted]
            wrong += [f"invented: {fact}" for fact in reading.invented]
            wrong += [f"strange: {word}" for word in reading.strange_words]
            truth = f"{shot.form}, {shot.colour}, {shot.scene}, {shot.motion}"
            lines.append(f"      [{labels}] [{truth}] {'; '.join(wrong)}")
    return "\n".join(lines) + "\n"


# files


def replace_file(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    aside = path.with_name(f".{path.name}.part")
    torch.save(state, aside)
    aside.replace(path)


def replace_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(data)
    aside.replace(path)


def log(settings: NanoSettings, stage: str, line: dict[str, Any]) -> None:
    """A line on the terminal and in the work directory's curve of a stage."""
    text = json.dumps(line)
    print(f"{stage} {text}", flush=True)
    with (settings.work / f"{stage}.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(f"{text}\n")


def main() -> None:
    """Run the stages."""
    stages = ("draw", "align", "train", "export", "evaluate")
    parser = argparse.ArgumentParser()
    parser.add_argument("stages", nargs="*", help=" ".join(stages))
    parser.add_argument("--config", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--split", default="test")
    parser.add_argument("--films", type=int)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = NanoSettings.model_validate(yaml.safe_load(options.config.read_text(encoding="utf-8")))
    settings.work.mkdir(parents=True, exist_ok=True)
    for stage in options.stages or stages:
        if stage == "evaluate":
            evaluate(settings, options.split, options.films or getattr(settings.films, options.split))
        else:
            {"draw": draw, "align": align, "train": train, "export": export}[stage](settings)


if __name__ == "__main__":
    main()
