"""What a narrator learns from: one sample per clip, made of the very pieces that narration reads.

A sample is the document as it stands when its clip is done: the head, the clips before it as text, the clip itself with
its scene. The loss counts where the model writes: label, narration and what stands between them.

Source: paper, section 4 (training); released code, LazySupervisedDataset of train_on_local.py. Deviation: the released
sample goes on with the texts of later clips, which no loss and no earlier token sees: they are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narrator_ray.config import LengthSettings, ModelSettings
from narrator_ray.errors import NoReference, PromptTooLong, RejectReason
from narrator_ray.model.context import ClipContext, prepare_context
from narrator_ray.narration.length import windows_for
from narrator_ray.narration.prompt import clean
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.records import ScriptLabel, Video
from narrator_ray.schema import VideoFeatures

IGNORED = -100
"""Label of a token without loss."""
COMMON = -1
"""Branch of a token that all clips after it see."""

Ids = tuple[int, ...]
IdArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClipExample:
    """One clip in tokens, with what is seen of it.

    Attributes:
        opening: Its first line.
        scene: The line with the placeholders, one per visual token.
        requirement: Length window and the lead of the label.
        answer: Label, narration's number, narration and the line break after it.
        num_given: Tokens at the beginning of the answer that have no loss.
        context: Visual tokens and position.
    """

    opening: Ids
    scene: Ids
    requirement: Ids
    answer: Ids
    num_given: int
    context: ClipContext

    @property
    def branch(self) -> Ids:
        """What follows the opening while the clip is narrated."""
        return self.scene + self.requirement + self.answer

    @property
    def branch_labels(self) -> Ids:
        """Labels of the branch."""
        num_ignored = len(self.branch) - len(self.answer) + self.num_given
        return (IGNORED,) * num_ignored + self.answer[self.num_given :]

    @property
    def told(self) -> Ids:
        """What follows the opening once the clip is done."""
        return self.requirement + self.answer


@dataclass(frozen=True, slots=True)
class VideoExample:
    """A video whose narrations are known.

    Attributes:
        video_id: Which video.
        head: Beginning of its document.
        clips: Its clips in order.
    """

    video_id: str
    head: Ids
    clips: tuple[ClipExample, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What the model reads in one sequence.

    Attributes:
        input_ids: [L] token ids, with placeholders where visual tokens stand.
        labels: [L] the ids that count in the loss, elsewhere ``IGNORED``.
        positions: [L] place of each token in the document that the model is to see.
        branches: [L] the clip that alone sees a token, or ``COMMON``.
        contexts: What each scene line shows, in reading order.
    """

    input_ids: IdArray
    labels: IdArray
    positions: IdArray
    branches: IdArray
    contexts: tuple[ClipContext, ...]

    @property
    def num_supervised(self) -> int:
        """Tokens that count in the loss."""
        return int((self.labels != IGNORED).sum())


def example_of(
    video: Video, features: VideoFeatures, tokens: StoryTokens, model: ModelSettings, length: LengthSettings, most: int
) -> VideoExample:
    """A catalogue row and its features as an example.

    Args:
        video: With a reference narration for every clip and, where the wording has labels, a label set for every clip.
        features: Of the clips that are narrated.
        tokens: Pieces of documents in the video's language.
        model: Compression, memory and position (the paper's ablations).
        length: Policy of the length windows that the document names.
        most: Most tokens of a document, as a narrator has it; a longer product description is shortened to fit.

    Raises:
        NoReference: A narration or a label set is missing.
        LengthWindowError: The catalogue does not give what the policy needs.
        PromptTooLong: The last sample does not fit all the same.
    """
    references = _references(video, len(features.clips), has_labels=tokens.form.has_labels)
    contexts = prepare_context(features, model)
    windows = windows_for(video, features.clips, length)
    num_scene_tokens = max(len(context.tokens_ND) for context in contexts)
    product, _ = tokens.fitting_product(video.product, windows, num_scene_tokens, most)
    clips = tuple(
        clip_example(tokens, index, len(contexts), windows[index], labels, narration, contexts[index])
        for index, (labels, narration) in enumerate(references)
    )
    example = VideoExample(video.video_id, tuple(tokens.head(product)), clips)
    longest = max(len(sample_of(example, index).input_ids) for index in range(len(clips)))
    if longest > most:
        detail = f"{video.video_id}: a sample has {longest} tokens and {most} are allowed: raise the limit"
        raise PromptTooLong(RejectReason.PROMPT_TOO_LONG, detail)
    return example


def clip_example(
    tokens: StoryTokens,
    index: int,
    num_clips: int,
    window: tuple[int, int],
    labels: Sequence[ScriptLabel],
    narration: str,
    context: ClipContext,
) -> ClipExample:
    """One clip in tokens; ``index`` is 0-based. Labels do not matter where the wording has none."""
    lead = tokens.lead(index)
    written = tokens.labels.encode(labels) if tokens.form.has_labels else []
    return ClipExample(
        opening=tuple(tokens.opening(index, num_clips)),
        scene=tuple(tokens.scene(len(context.tokens_ND))),
        requirement=tuple(tokens.requirement(window)),
        answer=(*written, *lead, *tokens.spoken(narration), *tokens.closing),
        num_given=0 if tokens.form.has_labels else len(tokens.before_number()),
        context=context,
    )


def sample_of(example: VideoExample, index: int) -> Sample:
    """The sample of one clip."""
    clip = example.clips[index]
    past = [token for earlier in example.clips[:index] for token in earlier.opening + earlier.told]
    before = [*example.head, *past, *clip.opening]
    return Sample(
        input_ids=np.array([*before, *clip.branch], np.int64),
        labels=np.array([*(IGNORED for _ in before), *clip.branch_labels], np.int64),
        positions=np.arange(len(before) + len(clip.branch)),
        branches=np.full(len(before) + len(clip.branch), COMMON),
        contexts=(clip.context,),
    )


def _references(video: Video, num_clips: int, has_labels: bool) -> list[tuple[tuple[ScriptLabel, ...], str]]:
    """Label set and narration of every clip."""
    narrations = video.narrations or ()
    if len(narrations) != num_clips or not all(clean(text) for text in narrations):
        detail = f"{len(narrations)} narrations for {num_clips} clips: training needs a text for each"
        raise NoReference(RejectReason.NO_REFERENCE, detail)
    storyline = video.storyline or ()
    if not has_labels:
        return [((), text) for text in narrations]
    if len(storyline) != num_clips or not all(storyline):
        detail = "clips without script label: give `storyline` in full, or train without (model.use_storyline=false)"
        raise NoReference(RejectReason.NO_REFERENCE, detail)
    return [(labels or (), text) for labels, text in zip(storyline, narrations, strict=True)]
