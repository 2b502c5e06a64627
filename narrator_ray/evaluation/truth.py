"""The storefront's truth about stories: what they name and whether rightly, which facts they tell, what they make up.

Exact, for films whose catalogue rows carry ``extra.truth``: a reader of narrations that knows the storefront's words
(``evaluation.storefront``) instead of a model. Beside a value stands what the same stories score by chance: each read
against the films of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from narrator_ray.evaluation.scorer import Scorer, Stories
from narrator_ray.evaluation.scores import Marks, Score
from narrator_ray.evaluation.storefront import ATTRIBUTES, ClipTruth, Reading, clip_truths, read_line
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.table import Definition
from narrator_ray.records import Clip, JsonDict, Product

PRECISION: Final = "precision"
RECALL: Final = "recall"
NUM_OTHERS: Final = 3
"""Films of others that every story is read against, for chance."""


@dataclass(frozen=True, slots=True)
class Film:
    """What is true of a video.

    Attributes:
        video_id: Of the catalogue.
        product: As the narrator was given it.
        clips: The truth about each true clip.
        times: When these are.
    """

    video_id: str
    product: Product
    clips: tuple[ClipTruth, ...]
    times: tuple[Clip, ...]

    def at(self, clip: Clip) -> ClipTruth:
        """The truth about the clip that most of some time belongs to."""
        shared = [min(own.end_s, clip.end_s) - max(own.start_s, clip.start_s) for own in self.times]
        return self.clips[shared.index(max(shared))]


class TruthScorer(Scorer):
    """Attributes named rightly, facts told, and untrue facts."""

    names: ClassVar = (*(f"truth_{name}" for name in ATTRIBUTES), "truth_coverage", "truth_untrue")
    lacks: ClassVar = "the catalogue has no extra.truth, which rows of the storefront have"

    def survey(self, stories: Stories, definition: Definition, tools: Tools) -> list[Film]:
        """The films."""
        return [film for story in stories if (film := _film(story)) is not None]

    def merge(self, surveys: Sequence[Any]) -> list[Film]:
        """All films."""
        return [film for survey in surveys for film in survey]

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """Precision is over clips that name an attribute, recall over all; coverage over the facts of a product."""
        place = {film.video_id: row for row, film in enumerate(known)}
        told = [(story, known[place[story.video.video_id]]) for story in stories if story.video.video_id in place]
        num_left_out = sum(len(story.clips) for story in stories if story.video.video_id not in place)
        read = {story.video.video_id: _read(story, film) for story, film in told}
        others = {
            story.video.video_id: [(other, _read(story, other)) for other in _others(known, place[film.video_id])]
            for story, film in told
        }
        marks = [
            mark
            for name in ATTRIBUTES
            for mark in (
                _attribute(name, PRECISION, told, read, others, definition, num_left_out),
                _attribute(name, RECALL, told, read, others, definition, num_left_out),
            )
        ]
        coverage = {film.video_id: _coverage(film, read[film.video_id]) for _, film in told if film.product.knowledge}
        chances = {
            key: _summed([_coverage(film, lines) for film, lines in others[key] if film.product.knowledge])
            for key in coverage
        }
        untrue = {
            clip.key: float(bool(line.invented or line.contradicted))
            for story, _ in told
            for clip, line in zip(story.clips, read[story.video.video_id], strict=True)
        }
        num_stories = len(stories) - len(coverage)
        return [
            *marks,
            Marks("truth_coverage", definition, coverage, num_stories, chances=chances),
            Marks("truth_untrue", definition, untrue, num_left_out, details=_untrue(told, read)),
        ]

    def finish(self, marks: Sequence[Marks]) -> list[Score]:
        """Scores; an attribute that nobody names has no precision."""
        return super().finish([item for item in marks if item.items] or marks)


class OrderScorer(Scorer):
    """Share of stories whose labels, as the model chose them, stand in an order of the storefront's grammar."""

    names: ClassVar = ("truth_order",)
    lacks: ClassVar = "no story of the storefront has labels that the model chose"

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """Of each story whether its order is plausible."""
        from narrator_ray.demo.orders import is_plausible_order

        items = {}
        for story in stories:
            labels = [clip.labels[0] for clip in story.clips if clip.labels]
            if _film(story) is not None and len(labels) == len(story.clips):
                items[story.video.video_id] = float(is_plausible_order(labels))
        return [Marks("truth_order", definition, items, len(stories) - len(items))]


def _film(story: JudgedStory) -> Film | None:
    truth = story.video.extra.get("truth")
    if not isinstance(truth, dict) or story.video.language != "en":
        return None
    times = tuple(Clip(clip["start_s"], clip["end_s"]) for clip in truth["clips"])
    return Film(story.video.video_id, story.video.product, tuple(clip_truths(truth)), times)


def _others(films: Sequence[Film], place: int) -> list[Film]:
    """Films of other products, far from this one in the catalogue, where neighbours are alike."""
    num_others = min(NUM_OTHERS, len(films) - 1)
    return [films[(place + 1 + n * (len(films) - 1) // num_others) % len(films)] for n in range(num_others)]


def _read(story: JudgedStory, film: Film) -> list[Reading]:
    """The story's narrations read against a film, its own or another's."""
    is_own = story.video.video_id == film.video_id
    return [
        read_line(
            clip.narration or "", film.at(clip.clip) if is_own else film.clips[place % len(film.clips)], film.product
        )
        for place, clip in enumerate(story.clips)
    ]


def _attribute(
    name: str,
    variant: str,
    told: Sequence[tuple[JudgedStory, Film]],
    read: dict[str, list[Reading]],
    others: dict[str, list[tuple[Film, list[Reading]]]],
    definition: Definition,
    num_left_out: int,
) -> Marks:
    items: dict[str, float] = {}
    chances: dict[str, tuple[float, float]] = {}
    for story, _ in told:
        key = story.video.video_id
        for place, clip in enumerate(story.clips):
            own = list(_rights(name, variant, [read[key][place]]))
            if own:
                items[clip.key] = own[0]
                chances[clip.key] = _summed(list(_rights(name, variant, [lines[place] for _, lines in others[key]])))
    num_unnamed = sum(len(story.clips) for story, _ in told) - len(items)
    return Marks(f"truth_{name}", definition, items, num_left_out + num_unnamed, variant, chances=chances)


def _rights(name: str, variant: str, readings: Sequence[Reading]) -> Iterator[float]:
    """1 for an attribute named rightly, else 0; precision leaves out where it is not named."""
    for reading in readings:
        verdict = getattr(reading, name)
        if variant == RECALL or verdict != "unnamed":
            yield float(verdict == "right")


def _coverage(film: Film, lines: Sequence[Reading]) -> float:
    told = {fact for line in lines for fact in line.told}
    return len(told) / len({point.point for point in film.product.knowledge})


def _untrue(told: Sequence[tuple[JudgedStory, Film]], read: dict[str, list[Reading]]) -> JsonDict:
    """What is made up and what is contradicted, clip by clip."""
    found = {
        clip.key: {"invented": list(line.invented), "contradicted": list(line.contradicted)}
        for story, _ in told
        for clip, line in zip(story.clips, read[story.video.video_id], strict=True)
        if line.invented or line.contradicted
    }
    return {"clips": found}


def _summed(values: Sequence[float]) -> tuple[float, float]:
    return sum(values), float(len(values))
