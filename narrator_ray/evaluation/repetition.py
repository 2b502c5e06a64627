"""Repetition in stories."""

from __future__ import annotations

from collections.abc import Sequence

from narrator_ray.evaluation.scores import Score, mean_of
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


def score_repetition(stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> list[Score]:
    """Intra-story repetition; stories with fewer than two clips that have words are left out."""
    found = {story.video.video_id: _repetition(story, definition, tools) for story in stories}
    items = {video_id: repetition.share for video_id, repetition in found.items() if repetition is not None}
    value = mean_of("repetition, of stories with two narrations or more", items)
    return [Score("repetition", definition, value, items, len(found) - len(items))]


def _repetition(story: JudgedStory, definition: Definition, tools: Tools) -> Repetition | None:
    tagger = tools.tagger(story.video.language)
    clips = [[word.text for word in tagger.tag(clip.narration)] for clip in story.clips if clip.narration is not None]
    if definition == "released":
        return released_repetition([released_words(words) for words in clips])
    return standard_repetition([standard_words(words) for words in clips])
