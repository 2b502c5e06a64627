"""EMScore of stories: narrations beside the frames of their clips, and beside their references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from narrator_ray.evaluation.clip_frames import num_frames
from narrator_ray.evaluation.scorer import Place, Scorer, Stories
from narrator_ray.evaluation.scores import Marks
from narrator_ray.evaluation.stories import JudgedClip, JudgedStory
from narrator_ray.evaluation.text_vectors import Vectors
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.emscore import (
    MOST_FRAMES,
    RELEASED_REFERENCE_CHARACTERS,
    SHORTEST_RELEASED,
    EmbeddedText,
    EmScore,
    Padding,
    content_words,
    mean_frame,
    released_emscore,
    released_padding,
    standard_emscore,
    with_reference,
)
from narrator_ray.metrics.table import Definition
from narrator_ray.records import Language

_UNPADDED: Final = Padding()
_NOTHING: Final = EmScore(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What decides how the released code pads a clip; references that it does not have count nothing."""

    key: str
    num_words: int
    num_frames: int
    num_reference_words: int


class EmScorer(Scorer):
    """EMScore without and with reference."""

    names: ClassVar = ("emscore", "emscore_ref")
    place: ClassVar[Place] = "actor"
    lacks: ClassVar = "no clip could be looked at, or none has a reference"

    def survey(self, stories: Stories, definition: Definition, tools: Tools) -> list[_Sizes] | None:
        """If released, the sizes of all clips that are scored."""
        if definition != "released":
            return None
        return [
            _Sizes(
                clip.key,
                len(_words(clip.narration or "", story.video.language, tools)),
                min(MOST_FRAMES, frames),
                len(_words(_cut(clip.reference), story.video.language, tools)),
            )
            for story in stories
            for clip, frames in zip(story.clips, num_frames(story), strict=True)
            if _is_released(clip)
        ]

    def merge(self, surveys: Sequence[Any]) -> dict[str, tuple[Padding, Padding]] | None:
        """If released, how each clip is padded beside frames and beside its reference."""
        if not surveys or surveys[0] is None:
            return None
        sizes = [size for survey in surveys for size in survey]
        words = [size.num_words for size in sizes]
        frames = released_padding(words, [size.num_frames for size in sizes])
        references = released_padding(words, [size.num_reference_words for size in sizes])
        pads = zip(frames, references, strict=True)
        return {size.key: pad for size, pad in zip(sizes, pads, strict=True)}

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """EMScore of each clip; of clips that cannot be decoded there is none."""
        beside: dict[str, float] = {}
        both: dict[str, float] = {}
        unseen: dict[str, str] = {}
        tools.sight.read(_texts(stories, definition, tools))
        for story in stories:
            seen = tools.sight.clips(story)
            if isinstance(seen, str):
                unseen[story.video.video_id] = seen
                continue
            for clip, frames_TD in zip(story.clips, seen, strict=True):
                if definition == "released" and not _is_released(clip):
                    continue
                pads = (_UNPADDED, _UNPADDED) if known is None else known[clip.key]
                of_frames, of_reference = _scores(clip, frames_TD, story, definition, tools, pads)
                beside[clip.key] = of_frames.score
                if of_reference is not None:
                    both[clip.key] = with_reference(of_frames, of_reference).score
        num_clips = sum(len(story.clips) for story in stories)
        details = {"not_decoded": unseen} if unseen else {}
        return [
            Marks("emscore", definition, beside, num_clips - len(beside), details=details),
            Marks("emscore_ref", definition, both, num_clips - len(both), details=details),
        ]


def _scores(
    clip: JudgedClip,
    frames_TD: Vectors,
    story: JudgedStory,
    definition: Definition,
    tools: Tools,
    pads: tuple[Padding, Padding],
) -> tuple[EmScore, EmScore | None]:
    """Of a clip beside its frames, and beside its reference if it has one."""
    text, is_released = clip.narration or "", definition == "released"
    reference = _cut(clip.reference) if is_released else clip.reference or ""
    if not text:
        return _NOTHING, _NOTHING if reference else None
    ours = _embedded(text, story, tools)
    frame_D = mean_frame(frames_TD)
    if not is_released:
        of_frames = standard_emscore(ours, frames_TD, frame_D)
    else:
        of_frames = released_emscore(ours, frames_TD, frame_D, pads[0])
    if not reference:
        return of_frames, None
    theirs = _embedded(reference, story, tools)
    if not is_released:
        return of_frames, standard_emscore(ours, theirs.words_WD, theirs.whole_D)
    return of_frames, released_emscore(ours, theirs.words_WD, theirs.whole_D, pads[1])


def _texts(stories: Stories, definition: Definition, tools: Tools) -> Iterator[str]:
    """Everything that will be embedded."""
    for story in stories:
        for clip in story.clips:
            reference = _cut(clip.reference) if definition == "released" else clip.reference
            for text in filter(None, (clip.narration, reference)):
                yield text
                yield from _words(text, story.video.language, tools)


def _embedded(text: str, story: JudgedStory, tools: Tools) -> EmbeddedText:
    return tools.sight.text(text, _words(text, story.video.language, tools))


def _words(text: str, language: Language, tools: Tools) -> tuple[str, ...]:
    return content_words(tools.tagger(language, has_user_words=False).tag(text))


def _cut(reference: str | None) -> str:
    return (reference or "")[:RELEASED_REFERENCE_CHARACTERS]


def _is_released(clip: JudgedClip) -> bool:
    return len(clip.narration or "") >= SHORTEST_RELEASED
