"""Repetition in stories."""

from __future__ import annotations

from typing import Any, ClassVar

from narrator_ray.evaluation.scorer import Scorer, Stories
from narrator_ray.evaluation.scores import Marks
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.repetition import (
    Repetition,
    released_repetition,
    released_words,
    standard_repetition,
    standard_words,
)
from narrator_ray.metrics.table import Definition


class RepetitionScorer(Scorer):
    """Intra-story repetition; stories with fewer than two clips that have words are left out."""

    names: ClassVar = ("repetition",)

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """The repetition of each story."""
        found = {story.video.video_id: _repetition(story, definition, tools) for story in stories}
        items = {video_id: repetition.share for video_id, repetition in found.items() if repetition is not None}
        return [Marks("repetition", definition, items, len(found) - len(items))]


def _repetition(story: JudgedStory, definition: Definition, tools: Tools) -> Repetition | None:
    tagger = tools.tagger(story.video.language)
    clips = [[word.text for word in tagger.tag(clip.narration)] for clip in story.clips if clip.narration is not None]
    if definition == "released":
        return released_repetition([released_words(words) for words in clips])
    return standard_repetition([standard_words(words) for words in clips])
