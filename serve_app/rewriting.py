"""One clip of a result narrated anew, with another label, window or wish, beside the others as they stand now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from narrator_ray.config import Config, Section
from narrator_ray.model.context import ClipContext
from narrator_ray.narration.clip_narration import narration_job
from narrator_ray.narration.job import NarrationJob, ToldClip
from narrator_ray.narration.length import SHORTEST_SENTENCE
from narrator_ray.narration.storyline import MOST_LABELS
from narrator_ray.outputs.keys import content_key
from narrator_ray.records import NarratedVideo, Narration, ScriptLabel
from serve_app.asked import HIGHEST_WINDOW
from serve_app.problems import FieldProblem, invalid_request
from serve_app.results import KeptResult
from serve_app.texts import Text


class Rewriting(Section):
    """How a clip is to be narrated anew. What is left out: the model chooses the labels, the window stays."""

    labels: Annotated[tuple[ScriptLabel, ...], Field(min_length=1, max_length=MOST_LABELS)] | None = None
    """Script labels of the clip."""
    window: tuple[int, int] | None = None
    """Lowest and highest length in words (en) or characters (zh)."""
    instruction: Annotated[str, Field(max_length=500)] = ""
    """What is wanted of the clip, in words that the model reads beside its pictures."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of random choices, where the server makes any."""
    texts: tuple[Text, ...] | None = None
    """Narrations of all clips as they stand now, changed by hand or not; by default those of the result."""

    def key(self, before: str, index: int) -> str:
        """Key of what comes of it."""
        return content_key("narrator-ray.rewriting/1", before=before, clip=index, asked=self.model_dump(mode="json"))


def check_rewriting(asked: Rewriting, result: NarratedVideo) -> None:
    """Make sure that it fits the result.

    Raises:
        Problem: It does not.
    """
    problems = []
    num_clips, shortest = len(result.narrations), SHORTEST_SENTENCE[result.language]
    if asked.texts is not None and len(asked.texts) != num_clips:
        problems.append(FieldProblem("texts", f"has {len(asked.texts)} entries for {num_clips} clips: give all"))
    if asked.window is not None:
        low, high = asked.window
        if not (1 <= low <= high <= HIGHEST_WINDOW and high >= shortest):
            rule = f"1 <= lowest <= highest <= {HIGHEST_WINDOW} must hold, and the highest be {shortest} at least"
            problems.append(FieldProblem("window", rule))
    if problems:
        raise invalid_request(problems)


def rewriting_job(
    asked: Rewriting, index: int, kept: KeptResult, contexts: tuple[ClipContext, ...], config: Config
) -> NarrationJob:
    """What an engine is asked.

    Args:
        asked: How.
        index: Which clip.
        kept: The result as it stands.
        contexts: What is seen of each clip.
        config: Settings.
    """
    result = kept.result
    key = asked.key(result.key, index)
    job = narration_job(result.video_id, key, kept.asked.row, kept.features.clips, contexts, config.length)
    given = replace(job, storyline=_only(index, asked.labels, len(job.clips)), told=_told(asked, result, index))
    stood = asked.texts[index] if asked.texts is not None else result.narrations[index].text
    given = replace(given, unwanted=(stood,), wish=asked.instruction)
    if asked.window is None:
        return given
    windows = (*job.windows[:index], asked.window, *job.windows[index + 1 :])
    return replace(given, windows=windows, spoken_windows=None)


def rewritten(kept: KeptResult, asked: Rewriting, narration: Narration) -> KeptResult:
    """The result with the clip narrated anew, and the others as they were given."""
    texts = asked.texts or tuple(item.text for item in kept.result.narrations)
    others = [replace(item, text=text) for item, text in zip(kept.result.narrations, texts, strict=True)]
    others[narration.clip_index] = narration
    key = asked.key(kept.result.key, narration.clip_index)
    return replace(kept, result=replace(kept.result, narrations=tuple(others), key=key))


def _only(
    index: int, labels: tuple[ScriptLabel, ...] | None, num_clips: int
) -> tuple[tuple[ScriptLabel, ...] | None, ...]:
    return tuple(labels if place == index else None for place in range(num_clips))


def _told(asked: Rewriting, result: NarratedVideo, index: int) -> tuple[ToldClip | None, ...]:
    texts: Sequence[str] = asked.texts or [narration.text for narration in result.narrations]
    return tuple(
        None if place == index else ToldClip(narration.script_labels, text)
        for place, (narration, text) in enumerate(zip(result.narrations, texts, strict=True))
    )
