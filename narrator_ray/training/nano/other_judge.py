"""What a trained nano tells of goods that the storefront does not sell, over pictures that do not show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from narrator_ray.config import LengthSettings, ModelSettings
from narrator_ray.demo.other_scripts import OtherScript, tell_other
from narrator_ray.demo.splits import Split
from narrator_ray.evaluation.knowledge_budget import budget_used
from narrator_ray.evaluation.outside import OutsideReading, read_outside
from narrator_ray.model.context import prepare_context
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.qformer import FrameQFormer
from narrator_ray.narration.job import ClipResult
from narrator_ray.narration.length import windows_for
from narrator_ray.training.nano.lessons import unrelated_features
from narrator_ray.training.nano.settings import NanoSettings
from narrator_ray.training.nano.telling import Telling, narrated
from narrator_ray.training.nano.work import films_of


@dataclass(frozen=True, slots=True)
class OtherStory:
    """What was told of such a product.

    Attributes:
        script: How the phrasebook would have told it.
        results: Of every clip.
        readings: Likewise.
    """

    script: OtherScript
    results: tuple[ClipResult, ...]
    readings: tuple[OutsideReading, ...]

    @property
    def budget_used(self) -> float:
        """Share of its knowledge budget."""
        video = self.script.to_video("film", "film.mp4")
        windows = windows_for(video, self.script.clips, LengthSettings())
        return budget_used([reading.facts.told for reading in self.readings], video.product, windows)


def other_stories(
    settings: NanoSettings,
    split: Split,
    num_films: int,
    model: ModelDirectory,
    qformer: FrameQFormer,
    narrator: VideoNarrator,
    telling: Telling,
) -> list[OtherStory]:
    """Films of a split, told as those of other goods whose nouns and brands are of that split."""
    films = films_of(settings, split)[:num_films]
    scripts = [tell_other(seed, film.clips, split) for seed, film in enumerate(films)]
    features = [
        unrelated_features(settings, split, seed, film, seed, model, qformer) for seed, film in enumerate(films)
    ]
    videos = [script.to_video(f"other-{seed:04d}", "film.mp4") for seed, script in enumerate(scripts)]
    contexts = [prepare_context(one, ModelSettings()) for one in features]
    return [
        OtherStory(script, tuple(results), tuple(_read(script, results)))
        for script, results in zip(scripts, narrated(narrator, videos, contexts, telling), strict=True)
    ]


def _read(script: OtherScript, results: Sequence[ClipResult]) -> Iterator[OutsideReading]:
    product = script.product.to_product()
    for result in results:
        yield read_outside(result.text, product, script.product.nouns)


def other_figures(stories: Sequence[OtherStory]) -> dict[str, float]:
    """Shares over clips, over facts that are said, and over stories."""
    readings = [reading for story in stories for reading in story.readings]
    named = [reading.product for reading in readings if reading.product != "unnamed"]
    num_told = sum(len(reading.facts.told) for reading in readings)
    untrue = [(*reading.facts.contradicted, *reading.facts.invented) for reading in readings]
    num_said = num_told + sum(map(len, untrue))
    figures = {
        "product_right": named.count("right") / max(1, len(named)),
        "product_named": len(named) / len(readings),
        "facts_right": num_told / max(1, num_said),
        "clips_with_an_untrue_fact": sum(map(bool, untrue)) / len(readings),
        "clips_with_storefront_words": sum(bool(reading.leaked) for reading in readings) / len(readings),
        "strange_words_per_clip": sum(len(reading.strange_words) for reading in readings) / len(readings),
        "knowledge_budget_used": sum(story.budget_used for story in stories) / len(stories),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def other_text(stories: Sequence[OtherStory]) -> str:
    """Stories for people, each with the product's data and each clip with what was read out of it."""
    lines = list[str]()
    for story in stories:
        product = story.script.product.to_product()
        lines.append(f"\n{product.name}: {'; '.join(point.point for point in product.knowledge)}")
        for result, reading in zip(story.results, story.readings, strict=True):
            labels = "+".join(str(label) for label in result.script_labels)
            wrong = [f"product {reading.product}"] if reading.product == "wrong" else []
            wrong += [f"untrue: {fact}" for fact in (*reading.facts.contradicted, *reading.facts.invented)]
            wrong += [f"leaked: {word}" for word in reading.leaked]
            wrong += [f"strange: {word}" for word in reading.strange_words]
            lines += [f"  {result.text}", f"      [{labels}] {'; '.join(wrong)}"]
    return "\n".join(lines) + "\n"
