"""Word-length accuracy and spoken-duration fit of stories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, get_args

from narrator_ray.errors import LengthWindowError
from narrator_ray.evaluation.scores import Score
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.spoken_duration import SpokenClip, spoken_fit
from narrator_ray.metrics.table import Definition
from narrator_ray.metrics.word_length import is_within, word_length_accuracy
from narrator_ray.narration.length import Window, count_words, windows_for
from narrator_ray.narration.speech import TICK_S
from narrator_ray.narration.spoken_text import spoken_ticks

Policy = Literal["reference", "rate", "explicit"]
POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)
"""The paper's first. Spoken time has a metric of its own."""


def score_word_length(stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> list[Score]:
    """Word-length accuracy under every policy that the catalogue gives windows for."""
    return [score for policy in POLICIES if (score := _under(policy, stories, definition, tools)) is not None]


def score_spoken_fit(stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> list[Score]:
    """Spoken-duration fit, seconds estimated for the voice's pace."""
    clips = {
        clip.key: SpokenClip(_spoken_s(clip.narration or "", story, tools), clip.clip.duration_s)
        for story in stories
        for clip in story.clips
    }
    fit = spoken_fit(list(clips.values()))
    items = {key: float(clip.is_fitting) for key, clip in clips.items()}
    details = {"mean_filled_fraction": fit.filled, "mean_overrun_s": fit.overrun_s}
    return [Score("spoken_fit", definition, fit.fitting, items, details=details)]


def _under(policy: Policy, stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> Score | None:
    lengths: dict[str, int] = {}
    windows: list[Window] = []
    num_left_out = 0
    for story in stories:
        allowed = _windows(policy, story, tools)
        if allowed is None:
            num_left_out += len(story.clips)
            continue
        lengths |= {clip.key: count_words(clip.narration or "", story.video.language) for clip in story.clips}
        windows += allowed
    if not lengths:
        return None
    accuracy = word_length_accuracy(list(lengths.values()), windows)
    items = {
        key: float(is_within(length, window)) for (key, length), window in zip(lengths.items(), windows, strict=True)
    }
    return Score("word_length", definition, accuracy, items, num_left_out, variant=policy)


def _windows(policy: Policy, story: JudgedStory, tools: Tools) -> tuple[Window, ...] | None:
    settings = tools.length.model_copy(update={"policy": policy})
    try:
        return windows_for(story.video, [clip.clip for clip in story.clips], settings)
    except LengthWindowError:
        return None


def _spoken_s(text: str, story: JudgedStory, tools: Tools) -> float:
    language = story.video.language
    return spoken_ticks(text, language) * TICK_S / tools.length.pace(language)
