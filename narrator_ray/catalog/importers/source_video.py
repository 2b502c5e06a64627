"""What a data set says about one video, and the manifest row that says the same. Knows no file formats."""

from __future__ import annotations

from dataclasses import dataclass, field

from narrator_ray.catalog.importers.clip_times import Span, without_overlap
from narrator_ray.catalog.importers.imported import ImportedRow
from narrator_ray.catalog.importers.knowledge_text import knowledge_text, parse_knowledge
from narrator_ray.records import JsonDict, Language, ScriptLabel

_OTHERS = ScriptLabel.OTHERS.name_in("zh")
_SHORT_LABELS = dict.fromkeys(_OTHERS.split("/"), _OTHERS)
"""Halves of the name of the label for everything else; annotators wrote them too."""


@dataclass(frozen=True, slots=True)
class SourceClip:
    """A clip as annotated.

    Attributes:
        number: Its place in the video, from 1, clips without narration counted.
        times_s: Start and end in seconds.
        text: Its narration; None or blank if it has none; unchecked.
        labels: Script labels joined by ``+``, or None; unchecked.
        word_range: Lowest and highest length; None if not given.
    """

    number: int
    times_s: Span
    text: object = None
    labels: object = None
    word_range: tuple[int, int] | None = None

    @property
    def is_narrated(self) -> bool:
        """Whether there is a narration, right or wrong."""
        return self.text is not None and self.text != "" and not (isinstance(self.text, str) and self.text.isspace())

    def to_json(self) -> JsonDict:
        """What is kept of a clip that does not become one."""
        values = {"number": self.number, "times_s": list(self.times_s), "labels": self.labels}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class SourceVideo:
    """A video as annotated.

    Attributes:
        video_id: Its id.
        file_name: Name of its file, or the id if files are not named.
        product_name: Name of the product; unchecked.
        product_text: Knowledge, one category a line.
        language: Language of the narrations.
        clips: All annotated clips, narrated or not.
        num_clips: Clips the annotation counts, which may be more than it lists.
        extra: Anything that has no field.
        original: Anything that fields say only in part.
    """

    video_id: str
    file_name: str
    product_name: object
    product_text: str
    language: Language
    clips: tuple[SourceClip, ...]
    num_clips: int
    extra: JsonDict = field(default_factory=dict)
    original: JsonDict = field(default_factory=dict)


def row_of(video: SourceVideo) -> ImportedRow:
    """The manifest row of a video.

    Its clips are the narrated ones; if none is narrated, all of them, for a model to narrate.
    """
    narrated = [clip for clip in video.clips if clip.is_narrated]
    clips = narrated or list(video.clips)
    spans = without_overlap([clip.times_s for clip in clips])
    knowledge = parse_knowledge(video.product_text)
    original = _original(video, clips, spans)
    if knowledge_text(knowledge) != video.product_text:
        original.setdefault("p_info", video.product_text)
    row = {
        "video_id": video.video_id,
        "product": {"name": video.product_name, "knowledge": knowledge},
        "language": video.language,
        "clips": [list(span) for span in spans],
        "storyline": _if_any([_labels(clip) for clip in clips]),
        "narrations": [clip.text for clip in clips] if narrated else None,
        "word_ranges": _if_any([_window(clip) for clip in clips]),
        "extra": {**video.extra, **({"original": original} if original else {})},
    }
    num_unnarrated = len(video.clips) - len(clips)
    return ImportedRow(row, video.file_name, "times_s" in original, num_unnarrated)


def _original(video: SourceVideo, clips: list[SourceClip], spans: list[Span]) -> JsonDict:
    """The source's own values wherever the row says something else."""
    original = dict(video.original)
    if [clip.times_s for clip in clips] != spans:
        original["times_s"] = [list(clip.times_s) for clip in clips]
    windows = [clip.word_range for clip in clips]
    if windows != [_window(clip) for clip in clips]:
        original["word_ranges"] = [None if window is None else list(window) for window in windows]
    if any(not _is_plain(clip.labels) for clip in clips):
        original["labels"] = [clip.labels for clip in clips]
    if any(isinstance(clip.text, str) and clip.text != clip.text.strip() for clip in clips):
        original["narrations"] = [clip.text for clip in clips]
    if isinstance(video.product_name, str) and video.product_name != video.product_name.strip():
        original["p_name"] = video.product_name
    if [clip.number for clip in clips] != list(range(1, video.num_clips + 1)):
        original["clip_numbers"], original["num_clips"] = [clip.number for clip in clips], video.num_clips
    left_out = [clip.to_json() for clip in video.clips if clip not in clips]
    return {**original, **({"clips_without_narration": left_out} if left_out else {})}


def _labels(clip: SourceClip) -> object:
    """The label set as a manifest gives it; what is no text is left to the manifest's checks."""
    if not isinstance(clip.labels, str):
        return clip.labels
    names = [name.strip() for name in clip.labels.split("+")]
    return "+".join(_SHORT_LABELS.get(name, name) for name in names) or None


def _is_plain(labels: object) -> bool:
    """Whether the label set says exactly what was annotated."""
    names = labels.split("+") if isinstance(labels, str) else []
    is_exact = all(name == name.strip() and name not in _SHORT_LABELS for name in names)
    return is_exact and len(set(names)) == len(names)


def _window(clip: SourceClip) -> tuple[int, int] | None:
    """The released ranges are a text's length -3 to +3 and start below one word for the shortest texts."""
    return None if clip.word_range is None else (max(1, clip.word_range[0]), clip.word_range[1])


def _if_any(values: list[object] | list[tuple[int, int] | None]) -> list[object] | None:
    return list(values) if any(value is not None for value in values) else None
