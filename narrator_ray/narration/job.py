"""What the narration engine is asked for and what it answers. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from narrator_ray.errors import ItemError
from narrator_ray.model.context import ClipContext
from narrator_ray.records import Clip, LabelSource, Language, Product, ScriptLabel

ENGINE_VERSION = "6"
"""Changes when the engine would write other text from the same inputs, or say more of it; part of every narration
key."""


@dataclass(frozen=True, slots=True)
class ToldClip:
    """A clip whose narration stands already.

    Attributes:
        script_labels: Its labels.
        text: The narration.
    """

    script_labels: tuple[ScriptLabel, ...]
    text: str


@dataclass(frozen=True, slots=True)
class NarrationJob:
    """One video to narrate.

    Attributes:
        job_id: Names the job in results.
        product: The product shown.
        language: What to write in.
        clips: The clips, in order.
        contexts: What is seen of each clip.
        storyline: Labels of each clip, None for those the model chooses; None for all.
        windows: Lowest and highest length of each clip's narration.
        seed: Of the video's own random stream.
        spoken_windows: Shortest and longest spoken time of each clip's narration in ticks at pace 1. Where given, these
            are kept instead of ``windows``, which the prompt names all the same.
        adapter: Name of the adapter to narrate with; None narrates with the model alone.
        told: Narrations that stand already, None for each clip to narrate; None: all are to be narrated. What stands
            before a clip is read, what stands after it is not said again; neither is looked at or given as a result.
        unwanted: Further texts that are not to be said again.
        wish: What is wanted of the clips to narrate, in a client's words; untrusted, and cleaned as all texts are.
    """

    job_id: str
    product: Product
    language: Language
    clips: tuple[Clip, ...]
    contexts: tuple[ClipContext, ...]
    storyline: tuple[tuple[ScriptLabel, ...] | None, ...] | None
    windows: tuple[tuple[int, int], ...]
    seed: int
    spoken_windows: tuple[tuple[int, int], ...] | None = None
    adapter: str | None = None
    told: tuple[ToldClip | None, ...] | None = None
    unwanted: tuple[str, ...] = ()
    wish: str = ""

    @property
    def num_to_tell(self) -> int:
        """Clips to narrate."""
        return len(self.clips) if self.told is None else self.told.count(None)

    def told_of(self, index: int) -> ToldClip | None:
        """What stands of a clip."""
        return None if self.told is None else self.told[index]


@dataclass(frozen=True, slots=True)
class ClipLabels:
    """The script labels of a clip whose narration is about to be written.

    Attributes:
        job_id: Which job.
        clip_index: 0-based place of the clip.
        script_labels: Its labels.
        label_source: Given, or chosen by the model.
    """

    job_id: str
    clip_index: int
    script_labels: tuple[ScriptLabel, ...]
    label_source: LabelSource


@dataclass(frozen=True, slots=True)
class ClipResult:
    """The narration of one clip.

    Attributes:
        job_id: Which job.
        clip_index: 0-based place of the clip.
        script_labels: Its labels.
        label_source: Given, or chosen by the model.
        text: The narration.
        num_words: Its length in words (en) or characters (zh).
        spoken_ticks: Its spoken time in ticks at pace 1, estimated.
        notes: Remarks for a reader; on the first clip what concerns the whole video.
        label_probabilities: Of each label to be the clip's first, the likeliest first; empty where labels were given.
        num_tokens: Tokens of the narration.
        num_read: Tokens that went through the model since the video's last result; depends on what else was narrated.
        num_shared: Tokens that another video had read, likewise.
    """

    job_id: str
    clip_index: int
    script_labels: tuple[ScriptLabel, ...]
    label_source: LabelSource
    text: str
    num_words: int
    spoken_ticks: int
    notes: tuple[str, ...] = ()
    label_probabilities: tuple[tuple[ScriptLabel, float], ...] = ()
    num_tokens: int = 0
    num_read: int = field(default=0, compare=False, repr=False)
    num_shared: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JobFailure:
    """A job that ended without all its narrations.

    Attributes:
        job_id: Which job.
        error: Why.
    """

    job_id: str
    error: ItemError
