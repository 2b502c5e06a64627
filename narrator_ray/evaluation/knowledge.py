"""InfoSim and InfoDiverse of stories: narrations beside what is known of the product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from narrator_ray.evaluation.scorer import Place, Scorer, Stories
from narrator_ray.evaluation.scores import Marks
from narrator_ray.evaluation.stories import JudgedClip, JudgedStory
from narrator_ray.evaluation.tools import TextEncoder, Tools
from narrator_ray.metrics import info_diverse, info_sim
from narrator_ray.metrics.knowledge import released_points, standard_points
from narrator_ray.metrics.table import Definition
from narrator_ray.metrics.words import TaggedWord
from narrator_ray.records import Product

Vectors = npt.NDArray[np.float32]


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
        items = {
            clip.key: _info_sim(story, clip, definition, tools)
            for story, clip in clips
            if known is None or clip.key in known
        }
        return [Marks("info_sim", definition, items, len(clips) - len(items))]


class InfoDiverseScorer(Scorer):
    """InfoDiverse."""

    names: ClassVar = ("info_diverse",)
    place: ClassVar[Place] = "actor"

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """InfoDiverse of each story."""
        scorer = _released_diverse if definition == "released" else _standard_diverse
        found = {story.video.video_id: scorer(story, tools) for story in stories}
        items = {video_id: score for video_id, score in found.items() if score is not None}
        return [Marks("info_diverse", definition, items, len(found) - len(items))]


def _info_sim(story: JudgedStory, clip: JudgedClip, definition: Definition, tools: Tools) -> float:
    is_released, text = definition == "released", clip.narration or ""
    if not text:
        return 0.0
    if is_released:
        text = info_sim.released_text(text)
    points = _points(story.video.product, definition)
    points = [points[place] for place in info_sim.usable_points(points)]
    words = info_sim.content_words(tools.tagger(story.video.language).tag(text))
    whole = text[: info_sim.RELEASED_CHARACTERS] if is_released else text
    vectors = _Vectors(tools.sentences, [whole, *words, *points])
    return info_sim.info_sim(vectors.of([whole])[0], vectors.of(words), vectors.of(points))


def _released_diverse(story: JudgedStory, tools: Tools) -> float | None:
    told = [clip for clip in story.clips if clip.narration is not None]
    if not told:
        return None
    texts = [clip.narration or "" for clip in told]
    words = info_diverse.released_words(texts, _tagged(texts, story, tools))
    points = _points(story.video.product, "released")[1:]
    vectors = _Vectors(tools.sentences, [*words.texts, *points])
    num_told = len(info_diverse.released_told(vectors.of(points), vectors.of(words.texts)))
    return info_diverse.released_info_diverse(num_told, words.num_words, sum(clip.clip.duration_s for clip in told))


def _standard_diverse(story: JudgedStory, tools: Tools) -> float:
    texts = [clip.narration or "" for clip in story.clips]
    words = info_diverse.standard_words(_tagged(texts, story, tools))
    points = _points(story.video.product, "standard")[1:]
    vectors = _Vectors(tools.sentences, [*words.texts, *points])
    num_told = len(info_diverse.standard_told(vectors.of(points), vectors.of(words.texts)))
    return info_diverse.standard_info_diverse(num_told, sum(clip.clip.duration_s for clip in story.clips))


def _points(product: Product, definition: Definition) -> tuple[str, ...] | list[str]:
    return released_points(product) if definition == "released" else standard_points(product)


def _tagged(texts: Sequence[str], story: JudgedStory, tools: Tools) -> list[tuple[TaggedWord, ...]]:
    tagger = tools.tagger(story.video.language)
    return [tagger.tag(text) for text in texts]


class _Vectors:
    """Vectors of texts that were embedded together."""

    def __init__(self, model: TextEncoder, texts: Sequence[str]) -> None:
        self._vectors_ND = model.embed(texts) if texts else np.empty((0, 0), np.float32)
        self._places = {text: place for place, text in enumerate(texts)}

    def of(self, texts: Sequence[str]) -> Vectors:
        """[n, D], in the order of the texts."""
        return self._vectors_ND[[self._places[text] for text in texts]]
