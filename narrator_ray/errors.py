"""Every error this project raises on purpose, and the closed list of reasons for which one video is rejected.

    NarratorError                 base of all; str() says what, where and what to do
    ├── ConfigError               a setting is wrong                      stops before the cluster is touched (exit 2)
    ├── ManifestError             the catalogue has problems, all listed  stops before the cluster is touched (exit 2)
    ├── SchemaError               a stored table or object is not ours    stops before the cluster is touched (exit 2)
    ├── ModelLoadError            weights are missing or do not fit       stops before the cluster is touched (exit 2)
    ├── StorageError              the output or a published run cannot be read or written (exit 2)
    ├── MetricError               a metric has no value for these narrations; the others go on
    ├── TrainingFailed            training has come to nothing            stops with what to change
    └── ItemError                 one video cannot be narrated: becomes a Rejection row, never stops a run
        ├── UnreadableVideo       missing, broken, empty, without pictures
        ├── NoUsableClips         nothing left to narrate after splitting
        ├── LengthWindowError     no window can be computed or met
        ├── PromptTooLong         the prompt does not fit the model's context
        ├── GenerationFailed      the language model gave no valid narration
        └── NoReference           a video to learn from does not say what is said in it

Errors cross process borders on a cluster, so every one survives pickling: arguments are plain values and are passed to
``super().__init__`` in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_DETAIL_CHARACTERS = 500
"""Longest detail of a rejection that is kept."""


class RejectReason(StrEnum):
    """Why a video was rejected. A closed list: reports and alerts group by it."""

    SOURCE_REFUSED = "source_refused"
    VIDEO_NOT_FOUND = "video_not_found"
    VIDEO_UNREADABLE = "video_unreadable"
    VIDEO_EMPTY = "video_empty"
    NO_VIDEO_STREAM = "no_video_stream"
    ZERO_DURATION = "zero_duration"
    VIDEO_TOO_LONG = "video_too_long"
    VIDEO_TOO_LARGE = "video_too_large"
    DECODER_CRASHED = "decoder_crashed"
    DECODER_TIMEOUT = "decoder_timeout"
    DECODER_MEMORY = "decoder_memory"
    CLIPS_OUTSIDE_VIDEO = "clips_outside_video"
    NO_USABLE_CLIPS = "no_usable_clips"
    NO_LENGTH_WINDOW = "no_length_window"
    PROMPT_TOO_LONG = "prompt_too_long"
    GENERATION_FAILED = "generation_failed"
    NO_REFERENCE = "no_reference"
    SOURCE_UNAVAILABLE = "source_unavailable"
    OUT_OF_MEMORY = "out_of_memory"
    DAMAGED_OBJECT = "damaged_object"
    WORKER_DIED = "worker_died"
    UNEXPECTED = "unexpected"


class NarratorError(Exception):
    """Base of every error raised on purpose."""


class ConfigError(NarratorError):
    """A setting is unknown, of the wrong type or contradicts another."""


class ModelLoadError(NarratorError):
    """A model's weights are missing, incomplete or do not fit each other."""


class SchemaError(NarratorError):
    """A stored table or object does not have the schema it must have."""


class StorageError(NarratorError):
    """An output location cannot be read or written, or holds no published run."""


class MetricError(NarratorError):
    """A metric has no value: what it needs is not there, or the released code fails on such narrations."""


class TrainingFailed(NarratorError):
    """What is trained does not compute numbers any more."""


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """One thing wrong with a catalogue.

    Attributes:
        row: 1-based row of the manifest (the header of a CSV is not counted), or None for the file as a whole.
        field: Dotted path of the field, such as ``clips[2].start_s``; empty for the row as a whole.
        message: What is wrong and what to do.
    """

    row: int | None
    field: str
    message: str

    def __str__(self) -> str:
        where = "file" if self.row is None else f"row {self.row}"
        return f"{where}{', ' + self.field if self.field else ''}: {self.message}"


class ManifestError(NarratorError):
    """A catalogue has problems. All of them are listed, not only the first.

    Attributes:
        source: Path or URI of the manifest.
        problems: Every problem, in row order.
    """

    def __init__(self, source: str, problems: Sequence[ManifestProblem]) -> None:
        super().__init__(source, tuple(problems))
        self.source = source
        self.problems = tuple(problems)

    def __str__(self) -> str:
        count = len(self.problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        return f"{self.source}: {count} problem{'s' if count != 1 else ''}\n{lines}"


class ItemError(NarratorError):
    """One video cannot be narrated. The run goes on; the video becomes a rejected row.

    Attributes:
        reason: Which of the closed list.
        detail: One or two sentences for a human: what was seen, what to do.
    """

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class UnreadableVideo(ItemError):
    """The video is missing, broken, empty or has no pictures."""


class NoUsableClips(ItemError):
    """No clip is left to narrate."""


class LengthWindowError(ItemError):
    """A clip's length window cannot be computed or cannot be met."""


class PromptTooLong(ItemError):
    """The prompt of a clip does not fit the model's context."""


class GenerationFailed(ItemError):
    """The language model produced no valid narration."""


class NoReference(ItemError):
    """A video to learn from lacks a narration or a script label."""
