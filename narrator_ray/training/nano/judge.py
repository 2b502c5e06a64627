"""What a trained nano tells of unseen films, read with the storefront's truth, beside controls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from narrator_ray.config import LengthSettings, ModelSettings
from narrator_ray.demo.films import Film
from narrator_ray.demo.orders import is_plausible_order
from narrator_ray.demo.splits import Split, split_of_pair
from narrator_ray.evaluation.knowledge_budget import budget_used
from narrator_ray.evaluation.storefront import Reading, read_story, summary
from narrator_ray.metrics.repetition import Repetition, released_repetition, released_words
from narrator_ray.model.context import ClipContext, prepare_context
from narrator_ray.model.load_options import LoadOptions
from narrator_ray.model.model_dir import open_model_directory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset
from narrator_ray.model.qformer import load_qformer
from narrator_ray.narration.job import ClipResult
from narrator_ray.narration.length import windows_for
from narrator_ray.training.nano.features import kept_features
from narrator_ray.training.nano.other_judge import other_figures, other_stories, other_text
from narrator_ray.training.nano.settings import NanoSettings
from narrator_ray.training.nano.telling import AS_A_RUN, Telling, narrated
from narrator_ray.training.nano.work import films_of, replace_bytes, tell


@dataclass(frozen=True, slots=True)
class Story:
    """What was told of a film."""

    film: Film
    results: tuple[ClipResult, ...]
    readings: tuple[Reading, ...]


def evaluate(settings: NanoSettings, split: Split, num_films: int) -> None:
    """Figures on unseen films, with controls, and stories to be read."""
    folder = newest_model(settings)
    model = open_model_directory(folder)
    narrator = VideoNarrator.load(model.path, **LoadOptions("auto").keywords("cpu"))
    qformer = load_qformer(model.qformer_path)
    films = films_of(settings, split)[:num_films]
    features = [kept_features(settings, split, seed, film, model, qformer) for seed, film in enumerate(films)]
    own = [prepare_context(one, ModelSettings()) for one in features]
    views = {"own film": own, "another film": swapped(own), "nothing": [blinded(contexts) for contexts in own]}
    figures = dict[str, Any]()
    telling = Telling(find_preset("nano").decoding)
    for view, contexts in views.items():
        told = stories_of(narrator, films, contexts, telling)
        figures[view] = figures_of(told)
        tell(f"{view} {json.dumps(figures[view], indent=1)}")
        if view == "own film":
            (settings.work / f"stories-{split}.txt").write_text(as_text(told), encoding="utf-8")
    others = other_stories(settings, split, num_films, model, qformer, narrator, telling)
    figures["other goods"] = other_figures(others)
    tell(f"other goods {json.dumps(figures['other goods'], indent=1)}")
    (settings.work / f"other-stories-{split}.txt").write_text(other_text(others), encoding="utf-8")
    report = {"model": folder.name, "split": split, "films": num_films, "figures": figures}
    replace_bytes(settings.work / f"figures-{split}.json", json.dumps(report, indent=1).encode())


def newest_model(settings: NanoSettings) -> Path:
    """The model that was exported last: of the latest round, epoch, batch."""
    folders = (settings.work / "trained").glob("*-*-*")
    return max(folders, key=lambda folder: [int(part) for part in folder.name.split("-")])


def stories_of(
    narrator: VideoNarrator,
    films: Sequence[Film],
    contexts: Sequence[tuple[ClipContext, ...]],
    telling: Telling = AS_A_RUN,
) -> list[Story]:
    """The films as they are told, labels chosen by the model."""
    videos = [film.to_video(f"film-{place:04d}", "film.mp4") for place, film in enumerate(films)]
    results = narrated(narrator, videos, contexts, telling)
    return [
        Story(film, tuple(told), tuple(_read(film, told, video.product)))
        for film, video, told in zip(films, videos, results, strict=True)
    ]


def _read(film: Film, results: Sequence[ClipResult], product: Any) -> list[Reading]:
    return read_story([result.text for result in results], film.truth(), product)


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
    figures["in_window"] = sum(windows) / len(windows)
    if stories[0].results[0].script_labels:
        figures |= _label_figures(stories)
    figures["facts_told_per_clip"] = sum(len(reading.told) for reading in readings) / len(readings)
    for name, facts in (
        ("knowledge_budget_used", [[reading.told for reading in story.readings] for story in stories]),
        ("knowledge_budget_used_by_scripts", [[shot.facts for shot in story.film.script] for story in stories]),
    ):
        figures[name] = sum(map(_budget_used, stories, facts)) / len(stories)
    figures["strange_words_per_clip"] = sum(len(reading.strange_words) for reading in readings) / len(readings)
    for name, texts in (
        ("repetition", [[result.text for result in story.results] for story in stories]),
        ("repetition_of_scripts", [[shot.narration for shot in story.film.script] for story in stories]),
    ):
        found = [told for told in map(repetition, texts) if told is not None]
        figures[name] = sum(told.share for told in found) / len(found)
    return {name: round(value, 4) for name, value in figures.items()}


def _label_figures(stories: Sequence[Story]) -> dict[str, float]:
    """Stories whose labels come in a plausible order, and clips whose labels are those of the film's own script."""
    orders = [
        is_plausible_order([label for result in story.results for label in result.script_labels]) for story in stories
    ]
    is_right = [
        set(result.script_labels) == set(shot.labels)
        for story in stories
        for result, shot in zip(story.results, story.film.script, strict=True)
    ]
    return {"label_order_plausible": sum(orders) / len(orders), "labels_right": sum(is_right) / len(is_right)}


def _budget_used(story: Story, told: Sequence[Sequence[str]]) -> float:
    return budget_used(told, story.film.product.to_product(), list(story_windows(story)))


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
