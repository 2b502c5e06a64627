"""Word-length accuracy and spoken-duration fit of stories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal, get_args

from narrator_ray.errors import LengthWindowError
from narrator_ray.evaluation.scorer import Scorer, Stories
from narrator_ray.evaluation.scores import Marks, Score
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.spoken_duration import SpokenClip
from narrator_ray.metrics.table import Definition
from narrator_ray.metrics.word_length import is_within
from narrator_ray.narration.length import Window, count_words, windows_for
from narrator_ray.narration.speech import TICK_S
from narrator_ray.narration.spoken_text import spoken_ticks
from narrator_ray.records import JsonDict

Policy = Literal["reference", "rate", "explicit"]
POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)
"""The paper's first. Spoken time has a metric of its own."""


class WordLengthScorer(Scorer):
    """Word-length accuracy under every policy that the catalogue gives windows for."""

    names: ClassVar = ("word_length",)
    lacks: ClassVar = "the catalogue gives no length windows"

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """Of each clip whether its length lies in its window, by policy."""
        return [_under(policy, stories, definition, tools) for policy in POLICIES]

    def finish(self, marks: Sequence[Marks]) -> list[Score]:
        """Scores of the policies with windows; without any it says so."""
        return super().finish([item for item in marks if item.items] or marks)


class SpokenFitScorer(Scorer):
    """Spoken-duration fit, seconds estimated for the voice's pace."""

    names: ClassVar = ("spoken_fit",)

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """Of each clip whether its narration can be said in time, what share of it that fills, and by how much not."""
        clips = {
            clip.key: SpokenClip(_spoken_s(clip.narration or "", story, tools), clip.clip.duration_s)
            for story in stories
            for clip in story.clips
        }
        items = {key: float(clip.is_fitting) for key, clip in clips.items()}
        statistics = {key: (items[key], 1.0, clip.filled, clip.overrun_s) for key, clip in clips.items()}
        return [Marks("spoken_fit", definition, items, statistics=statistics)]

    def details(self, marks: Marks) -> JsonDict:
        """How much of their clips narrations fill, and by how much they exceed them."""
        _, number, filled, overrun_s = marks.sums()[0].tolist()
        return {"mean_filled_fraction": filled / number, "mean_overrun_s": overrun_s / number}


def _under(policy: Policy, stories: Stories, definition: Definition, tools: Tools) -> Marks:
    items: dict[str, float] = {}
    num_left_out = 0
    for story in stories:
        windows = _windows(policy, story, tools)
        if windows is None:
            num_left_out += len(story.clips)
            continue
        items |= {
            clip.key: float(is_within(count_words(clip.narration or "", story.video.language), window))
            for clip, window in zip(story.clips, windows, strict=True)
        }
    return Marks("word_length", definition, items, num_left_out, variant=policy)


def _windows(policy: Policy, story: JudgedStory, tools: Tools) -> tuple[Window, ...] | None:
    settings = tools.config.length.model_copy(update={"policy": policy})
    try:
        return windows_for(story.video, [clip.clip for clip in story.clips], settings)
    except LengthWindowError:
        return None


def _spoken_s(text: str, story: JudgedStory, tools: Tools) -> float:
    language = story.video.language
    return spoken_ticks(text, language) * TICK_S / tools.config.length.pace(language)
