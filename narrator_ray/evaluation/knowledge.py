"""InfoSim and InfoDiverse of stories: narrations beside what is known of the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from narrator_ray.evaluation.scorer import Place, Scorer, Stories
from narrator_ray.evaluation.scores import Marks
from narrator_ray.evaluation.stories import JudgedClip, JudgedStory
from narrator_ray.evaluation.text_vectors import TextVectors
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics import info_diverse, info_sim
from narrator_ray.metrics.knowledge import released_points, standard_points
from narrator_ray.metrics.table import Definition
from narrator_ray.metrics.words import TaggedWord
from narrator_ray.records import Product


class InfoSimScorer(Scorer):
    """InfoSim."""

    names: ClassVar = ("info_sim",)
    place: ClassVar[Place] = "actor"

    def survey(self, stories: Stories, definition: Definition, tools: Tools) -> list[tuple[str, bool]] | None:
        """If released, which clips the file lists, and whether with a narration."""
        if definition != "released":
            return None
        return [(clip.key, bool(clip.narration)) for story in stories for clip in story.clips if clip.is_listed]

    def merge(self, surveys: Sequence[Any]) -> frozenset[str] | None:
        """If released, the clips that are scored: never the file's last."""
        if not surveys or surveys[0] is None:
            return None
        listed = [clip for survey in surveys for clip in survey]
        scored = info_sim.released_clips(["told" if is_told else None for _, is_told in listed])
        return frozenset(listed[place][0] for place in scored)

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """InfoSim of each clip."""
        clips = [(story, clip) for story in stories for clip in story.clips]
        texts = {
            clip.key: _sim_texts(story, clip, definition, tools)
            for story, clip in clips
            if known is None or clip.key in known
        }
        vectors = TextVectors(tools.sentences.embed)
        vectors.read(text for some in texts.values() if some for text in (some.whole, *some.words, *some.points))
        items = {key: 0.0 if some is None else _info_sim(some, vectors) for key, some in texts.items()}
        return [Marks("info_sim", definition, items, len(clips) - len(items))]


class InfoDiverseScorer(Scorer):
    """InfoDiverse."""

    names: ClassVar = ("info_diverse",)
    place: ClassVar[Place] = "actor"

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """InfoDiverse of each story."""
        scorer = _released_diverse if definition == "released" else _standard_diverse
        vectors = TextVectors(tools.sentences.embed)
        found = {story.video.video_id: scorer(story, tools, vectors) for story in stories}
        items = {video_id: score for video_id, score in found.items() if score is not None}
        return [Marks("info_diverse", definition, items, len(found) - len(items))]


@dataclass(frozen=True, slots=True)
class _SimTexts:
    """What InfoSim compares: a narration as a whole, its words, and the points of its product."""

    whole: str
    words: tuple[str, ...]
    points: tuple[str, ...]


def _sim_texts(story: JudgedStory, clip: JudgedClip, definition: Definition, tools: Tools) -> _SimTexts | None:
    """None for a clip without narration."""
    is_released, text = definition == "released", clip.narration or ""
    if not text:
        return None
    if is_released:
        text = info_sim.released_text(text)
    points = _points(story.video.product, definition)
    words = info_sim.content_words(tools.tagger(story.video.language).tag(text))
    whole = text[: info_sim.RELEASED_CHARACTERS] if is_released else text
    return _SimTexts(whole, words, tuple(points[place] for place in info_sim.usable_points(points)))


def _info_sim(texts: _SimTexts, vectors: TextVectors) -> float:
    return info_sim.info_sim(vectors.of([texts.whole])[0], vectors.of(texts.words), vectors.of(texts.points))


def _released_diverse(story: JudgedStory, tools: Tools, vectors: TextVectors) -> float | None:
    told = [clip for clip in story.clips if clip.narration is not None]
    if not told:
        return None
    texts = [clip.narration or "" for clip in told]
    words = info_diverse.released_words(texts, _tagged(texts, story, tools))
    points = _points(story.video.product, "released")[1:]
    vectors.read((*words.texts, *points))
    num_told = len(info_diverse.released_told(vectors.of(points), vectors.of(words.texts)))
    return info_diverse.released_info_diverse(num_told, words.num_words, sum(clip.clip.duration_s for clip in told))


def _standard_diverse(story: JudgedStory, tools: Tools, vectors: TextVectors) -> float:
    texts = [clip.narration or "" for clip in story.clips]
    words = info_diverse.standard_words(_tagged(texts, story, tools))
    points = _points(story.video.product, "standard")[1:]
    vectors.read((*words.texts, *points))
    num_told = len(info_diverse.standard_told(vectors.of(points), vectors.of(words.texts)))
    return info_diverse.standard_info_diverse(num_told, sum(clip.clip.duration_s for clip in story.clips))


def _points(product: Product, definition: Definition) -> tuple[str, ...] | list[str]:
    return released_points(product) if definition == "released" else standard_points(product)


def _tagged(texts: Sequence[str], story: JudgedStory, tools: Tools) -> list[tuple[TaggedWord, ...]]:
    tagger = tools.tagger(story.video.language)
    return [tagger.tag(text) for text in texts]
