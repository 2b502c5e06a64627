"""What a language model thinks of stories: whether narrations follow their labels, and three scales from 0 to 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from narrator_ray.errors import ConfigError, ItemError, MetricError
from narrator_ray.evaluation.clip_frames import decode_clips, middle_jpeg
from narrator_ray.evaluation.judge_client import JudgeClient, Picture
from narrator_ray.evaluation.judge_prompts import (
    LABEL_PROMPT,
    STORY_PROMPT,
    LabelAnswer,
    StoryAnswer,
    label_question,
    story_question,
)
from narrator_ray.evaluation.ratings import geometric_mean_of_sums
from narrator_ray.evaluation.scorer import Place, Scorer, Stories
from narrator_ray.evaluation.scores import Marks, ValueOf, mean_value
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.table import Definition
from narrator_ray.records import JsonDict

SCALES: Final = ("relevance", "attractiveness", "coherence")
CAPTIONS: Final = "frame_captions"
"""Under which a row's ``extra`` says what each clip shows."""


class JudgeLabelScorer(Scorer):
    """Whether narrations follow the labels that the catalogue gives."""

    names: ClassVar = ("judge_label",)
    place: ClassVar[Place] = "driver"
    lacks: ClassVar = "no clip has both a narration and a label in the catalogue that the judge gave an answer about"

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """Of each clip with a label whether its narration follows it."""
        judge = tools.judge()
        asked = [
            (clip.key, label_question(clip, clip.reference_labels, story.video.language))
            for story in stories
            for clip in story.clips
            if clip.reference_labels and clip.narration
        ]
        answers = judge.ask([question for _, question in asked])
        found = zip(asked, answers, strict=True)
        items = {key: float(answer.follows) for (key, _), answer in found if isinstance(answer, LabelAnswer)}
        _check_answered(judge, len(asked))
        num_clips = sum(len(story.clips) for story in stories)
        details = _details(judge, tools, LABEL_PROMPT)
        return [Marks("judge_label", definition, items, num_clips - len(items), details=details)]


class JudgeStoryScorer(Scorer):
    """Marks of relevance, attractiveness and coherence, and the geometric mean of their means."""

    names: ClassVar = (*(f"judge_{scale}" for scale in SCALES), "judge_gm")
    place: ClassVar[Place] = "driver"
    lacks: ClassVar = "the judge rated no story"

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """Three marks of each story."""
        judge = tools.judge()
        shown = [(story, seen) for story in stories if (seen := _seen(story, tools)) is not None]
        answers = judge.ask([story_question(story, seen) for story, seen in shown])
        _check_answered(judge, len(shown))
        rated = {
            story.video.video_id: (float(answer.relevance), float(answer.attractiveness), float(answer.coherence))
            for (story, _), answer in zip(shown, answers, strict=True)
            if isinstance(answer, StoryAnswer)
        }
        num_left_out, details = len(stories) - len(rated), _details(judge, tools, STORY_PROMPT)
        of_scale = [{key: given[place] for key, given in rated.items()} for place in range(len(SCALES))]
        together = {key: (*given, 1.0) for key, given in rated.items()}
        return [
            *(
                Marks(f"judge_{scale}", definition, items, num_left_out, details=details)
                for scale, items in zip(SCALES, of_scale, strict=True)
            ),
            Marks("judge_gm", definition, {}, num_left_out, statistics=together, details=details),
        ]

    def value_of(self, metric: str) -> ValueOf:
        """Means, and the geometric mean of three of them."""
        return geometric_mean_of_sums if metric == "judge_gm" else mean_value


def _seen(story: JudgedStory, tools: Tools) -> Sequence[str | Picture] | None:
    """What each clip shows; None where the video cannot be decoded.

    Raises:
        ConfigError: The row does not say what its clips show.
    """
    if tools.config.judge.sees == "frames":
        try:
            return [Picture(middle_jpeg(frames)) for frames in decode_clips(story, tools.config)]
        except ItemError:
            return None
    captions = story.video.extra.get(CAPTIONS)
    if not isinstance(captions, list) or len(captions) != len(story.clips):
        raise ConfigError(
            f"{story.video.video_id}: needs extra.{CAPTIONS} with what each of its {len(story.clips)} clips shows; or "
            "set judge.sees=frames, for a model that sees"
        )
    return [caption if isinstance(caption, str) else "; ".join(map(str, caption)) for caption in captions]


def _check_answered(judge: JudgeClient, num_asked: int) -> None:
    usage = judge.usage
    if num_asked and usage.failed == num_asked:
        raise MetricError(f"the judge answered none of {num_asked} questions: {usage.last_error}")


def _details(judge: JudgeClient, tools: Tools, prompt: str) -> JsonDict:
    """Who judged, how it was asked, and what that took."""
    settings = tools.config.judge
    return {"model": settings.model, "prompt": prompt, "usage": judge.usage.to_json(settings)}
