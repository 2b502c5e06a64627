"""The nouns of a catalogue: products, videos, clips, narrations, rejections.

Immutable values without behaviour beyond checking themselves and turning into plain JSON and back. They know nothing of
files, models or Ray. Times are seconds from the start of the video; a clip is half-open: ``start_s <= t < end_s``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from narrator_ray.errors import RejectReason

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class ScriptLabel(StrEnum):
    """What a clip does in the story. Source: E-SyncVidStory's 12 script labels (paper, section 3)."""

    PRODUCT_RECOMMENDATION = "product_recommendation"
    SORE_POINT = "sore_point"
    CALL_TO_ACTION = "call_to_action"
    APPEARANCE_DESIGN = "appearance_design"
    INGREDIENT_MATERIAL_TEXTURE = "ingredient_material_texture"
    PRODUCT_TRIAL = "product_trial"
    PRODUCT_EFFECT = "product_effect"
    SPECIFIC_CHARACTERISTICS = "specific_characteristics"
    AUTHORITATIVE_CERTIFICATE = "authoritative_certificate"
    PRODUCT_SECURITY = "product_security"
    PRODUCTION_PROCESS = "production_process"
    OTHERS = "others"

    def name_in(self, language: Language) -> str:
        """The label's name as it stands in prompts and data of that language."""
        return _LABEL_NAMES[self][0 if language == "zh" else 1]


_LABEL_NAMES: dict[ScriptLabel, tuple[str, str]] = {
    ScriptLabel.PRODUCT_RECOMMENDATION: ("产品推荐", "product recommendation"),
    ScriptLabel.SORE_POINT: ("痛点铺垫", "sore point"),
    ScriptLabel.CALL_TO_ACTION: ("引导购买", "call to action"),
    ScriptLabel.APPEARANCE_DESIGN: ("外观设计", "design of appearance"),
    ScriptLabel.INGREDIENT_MATERIAL_TEXTURE: ("质地/成分/材质", "ingredient, material, texture"),
    ScriptLabel.PRODUCT_TRIAL: ("产品试用", "product trial"),
    ScriptLabel.PRODUCT_EFFECT: ("产品功效", "product effect"),
    ScriptLabel.SPECIFIC_CHARACTERISTICS: ("质量/特性介绍", "specific characteristics"),
    ScriptLabel.AUTHORITATIVE_CERTIFICATE: ("鉴定展示", "authoritative certificate"),
    ScriptLabel.PRODUCT_SECURITY: ("安全认证", "product security"),
    ScriptLabel.PRODUCTION_PROCESS: ("生产过程", "production process"),
    ScriptLabel.OTHERS: ("其他/通用卖点", "others"),
}
_LABELS_BY_NAME = {name: label for label, names in _LABEL_NAMES.items() for name in (*names, str(label))}


def parse_label(name: str) -> ScriptLabel | None:
    """The label of that identifier or Chinese or English name, letter case ignored; None if there is none."""
    return _LABELS_BY_NAME.get(name.strip().lower())


LabelSource = Literal["predefined", "generated"]
JsonDict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnowledgePoint:
    """One fact about a product.

    Attributes:
        category: Kind of fact ("material", "功效"); empty when the catalogue gives a flat list.
        point: The fact itself.
    """

    category: str
    point: str


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold, and everything that may be said about it."""

    name: str
    knowledge: tuple[KnowledgePoint, ...] = ()

    def by_category(self) -> dict[str, list[str]]:
        """Points grouped by category, categories in order of first appearance."""
        grouped: dict[str, list[str]] = {}
        for item in self.knowledge:
            grouped.setdefault(item.category, []).append(item.point)
        return grouped

    def to_json(self) -> JsonDict:
        """Plain JSON form: ``{"name", "knowledge": [{"category", "points": []}]}``."""
        knowledge = [{"category": name, "points": points} for name, points in self.by_category().items()]
        return {"name": self.name, "knowledge": knowledge}

    @classmethod
    def from_json(cls, data: JsonDict) -> Product:
        """Inverse of :meth:`to_json`."""
        points = tuple(
            KnowledgePoint(group["category"], point) for group in data["knowledge"] for point in group["points"]
        )
        return cls(data["name"], points)


@dataclass(frozen=True, slots=True)
class Clip:
    """A segment of a video, half-open, in seconds."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(f"a clip needs 0 <= start_s < end_s, got {self.start_s} and {self.end_s}")

    @property
    def duration_s(self) -> float:
        """Length in seconds, always above zero."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Video:
    """One row of a catalogue: a video to narrate.

    Attributes:
        video_id: Unique within the catalogue.
        uri: Absolute local path, ``file://``, ``s3://`` or ``http(s)://``.
        product: The product shown, with its knowledge.
        language: Language of the narration.
        clips: Clips given by the catalogue, in order and without overlap, or None to find them by shot detection.
        storyline: One entry a clip: its script labels, or None where the model chooses. None: the model chooses all.
        narrations: Reference narrations, one a clip.
        word_ranges: Explicit length windows (lowest, highest), one a clip, in words (en) or characters (zh).
        adapter: Name of a LoRA adapter to narrate with.
        extra: Anything else the row carried, handed through untouched.
    """

    video_id: str
    uri: str
    product: Product
    language: Language
    clips: tuple[Clip, ...] | None = None
    storyline: tuple[tuple[ScriptLabel, ...] | None, ...] | None = None
    narrations: tuple[str, ...] | None = None
    word_ranges: tuple[tuple[int, int], ...] | None = None
    adapter: str | None = None
    extra: JsonDict = field(default_factory=dict)

    def with_first_clips(self, num_clips: int) -> Video:
        """The row with what it gives for so many clips; the same if it gives no clips, or no more than that."""
        if self.clips is None or len(self.clips) <= num_clips:
            return self
        return replace(
            self,
            clips=self.clips[:num_clips],
            storyline=self.storyline and self.storyline[:num_clips],
            narrations=self.narrations and self.narrations[:num_clips],
            word_ranges=self.word_ranges and self.word_ranges[:num_clips],
        )

    def to_json(self) -> JsonDict:
        """Plain JSON form, the canonical manifest row."""
        return {
            "video_id": self.video_id,
            "video": self.uri,
            "product": self.product.to_json(),
            "language": self.language,
            "clips": None if self.clips is None else [{"start_s": c.start_s, "end_s": c.end_s} for c in self.clips],
            "storyline": None
            if self.storyline is None
            else [None if labels is None else [str(label) for label in labels] for labels in self.storyline],
            "narrations": None if self.narrations is None else list(self.narrations),
            "word_ranges": None if self.word_ranges is None else [list(window) for window in self.word_ranges],
            "adapter": self.adapter,
            "extra": self.extra,
        }

    @classmethod
    def from_json(cls, data: JsonDict) -> Video:
        """Inverse of :meth:`to_json`. The row is trusted; validation is the manifest reader's."""
        clips, storyline, ranges = data["clips"], data["storyline"], data["word_ranges"]
        return cls(
            video_id=data["video_id"],
            uri=data["video"],
            product=Product.from_json(data["product"]),
            language=data["language"],
            clips=None if clips is None else tuple(Clip(c["start_s"], c["end_s"]) for c in clips),
            storyline=None
            if storyline is None
            else tuple(None if labels is None else tuple(map(ScriptLabel, labels)) for labels in storyline),
            narrations=None if data["narrations"] is None else tuple(data["narrations"]),
            word_ranges=None if ranges is None else tuple((low, high) for low, high in ranges),
            adapter=data["adapter"],
            extra=data["extra"],
        )


@dataclass(frozen=True, slots=True)
class Narration:
    """The narration of one clip.

    Attributes:
        clip_index: 0-based place of the clip in its video.
        clip: Its time span.
        script_labels: Its script labels, one or more.
        label_source: Whether the labels came with the catalogue or from the model.
        text: What is to be spoken.
        num_words: Length of the text: words (en) or characters (zh).
        min_words: Lowest allowed length.
        max_words: Highest allowed length.
        num_frames: Frames sampled from the clip.
        kept_frames_s: Times of the frames that were left after visual compression.
        spoken_s: Seconds that it takes to say the text, estimated; None where its length is allowed in words.
        spoken_window_s: Shortest and longest allowed spoken time, in seconds.
        label_probabilities: Of each label to be the clip's first, the likeliest first; empty where labels were given.
    """

    clip_index: int
    clip: Clip
    script_labels: tuple[ScriptLabel, ...]
    label_source: LabelSource
    text: str
    num_words: int
    min_words: int
    max_words: int
    num_frames: int
    kept_frames_s: tuple[float, ...]
    spoken_s: float | None = None
    spoken_window_s: tuple[float, float] | None = None
    label_probabilities: tuple[tuple[ScriptLabel, float], ...] = ()

    @property
    def is_in_window(self) -> bool:
        """Whether the length lies inside the window, ends included."""
        if self.spoken_s is not None and self.spoken_window_s is not None:
            return self.spoken_window_s[0] <= self.spoken_s <= self.spoken_window_s[1]
        return self.min_words <= self.num_words <= self.max_words

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {
            "clip_index": self.clip_index,
            "start_s": self.clip.start_s,
            "end_s": self.clip.end_s,
            "script_labels": [str(label) for label in self.script_labels],
            "label_source": self.label_source,
            "narration": self.text,
            "num_words": self.num_words,
            "min_words": self.min_words,
            "max_words": self.max_words,
            "spoken_s": self.spoken_s,
            "min_spoken_s": None if self.spoken_window_s is None else self.spoken_window_s[0],
            "max_spoken_s": None if self.spoken_window_s is None else self.spoken_window_s[1],
            "label_probabilities": [
                {"label": str(label), "probability": probability} for label, probability in self.label_probabilities
            ],
            "num_frames": self.num_frames,
            "kept_frames_s": list(self.kept_frames_s),
        }

    @classmethod
    def from_json(cls, data: JsonDict) -> Narration:
        """Inverse of :meth:`to_json`."""
        return cls(
            clip_index=data["clip_index"],
            clip=Clip(data["start_s"], data["end_s"]),
            script_labels=tuple(map(ScriptLabel, data["script_labels"])),
            label_source=data["label_source"],
            text=data["narration"],
            num_words=data["num_words"],
            min_words=data["min_words"],
            max_words=data["max_words"],
            num_frames=data["num_frames"],
            kept_frames_s=tuple(data["kept_frames_s"]),
            spoken_s=data["spoken_s"],
            spoken_window_s=None if data["max_spoken_s"] is None else (data["min_spoken_s"], data["max_spoken_s"]),
            label_probabilities=tuple(
                (ScriptLabel(item["label"]), item["probability"]) for item in data["label_probabilities"]
            ),
        )


@dataclass(frozen=True, slots=True)
class NarratedVideo:
    """The result for one video: the stored narration object.

    Attributes:
        video_id: As in the catalogue of the run that shows it; rows that are equal but for their id share one object.
        key: Narration key: a hash of everything the result was made of.
        features_key: Key of the features it was made from.
        uri: Where the video lies.
        product: The product as narrated.
        language: Language of the texts.
        narrations: One a clip, in order.
        decoder: "decord" or "pyav": which decoder read the video.
        duration_s: Length of the video in seconds.
        model: Name of the preset, for people; the fingerprint is part of the key.
        notes: Remarks for a reader ("decord could not read it: ...").
    """

    video_id: str
    key: str
    features_key: str
    uri: str
    product: Product
    language: Language
    narrations: tuple[Narration, ...]
    decoder: str
    duration_s: float
    model: str
    notes: tuple[str, ...] = ()

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {
            "video_id": self.video_id,
            "key": self.key,
            "features_key": self.features_key,
            "video": self.uri,
            "product": self.product.to_json(),
            "language": self.language,
            "narrations": [narration.to_json() for narration in self.narrations],
            "decoder": self.decoder,
            "duration_s": self.duration_s,
            "model": self.model,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: JsonDict) -> NarratedVideo:
        """Inverse of :meth:`to_json`."""
        return cls(
            video_id=data["video_id"],
            key=data["key"],
            features_key=data["features_key"],
            uri=data["video"],
            product=Product.from_json(data["product"]),
            language=data["language"],
            narrations=tuple(Narration.from_json(item) for item in data["narrations"]),
            decoder=data["decoder"],
            duration_s=data["duration_s"],
            model=data["model"],
            notes=tuple(data["notes"]),
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """One video that could not be narrated.

    Attributes:
        video_id: As in the catalogue.
        uri: Where the video was looked for.
        stage: Name of the stage that gave up.
        reason: Which of the closed list.
        detail: For a human: what was seen, what to do.
        key: Narration key of what was tried; empty where the file was not found.
        attempts: How often the very same was tried.
        first_seen_at: When it failed first, ISO 8601, UTC; empty until the run is published.
        last_seen_at: When it was tried last, likewise.
    """

    video_id: str
    uri: str
    stage: str
    reason: RejectReason
    detail: str
    key: str = ""
    attempts: int = 1
    first_seen_at: str = ""
    last_seen_at: str = ""

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {
            "video_id": self.video_id,
            "video": self.uri,
            "stage": self.stage,
            "reason": str(self.reason),
            "detail": self.detail,
            "key": self.key,
            "attempts": self.attempts,
            "first_seen_at": self.first_seen_at,
            "last_seen_at": self.last_seen_at,
        }

    @classmethod
    def from_json(cls, data: JsonDict) -> Rejection:
        """Inverse of :meth:`to_json`."""
        return cls(
            data["video_id"],
            data["video"],
            data["stage"],
            RejectReason(data["reason"]),
            *(data[name] for name in ("detail", "key", "attempts", "first_seen_at", "last_seen_at")),
        )
