"""What a report page shows, as plain values. Knows nothing of HTML and of where the values come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from narrator_ray.cost import StageCost
from narrator_ray.records import JsonDict, Language, NarratedVideo, Narration, Product, Rejection
from narrator_ray.schema import VideoFeatures

_SAME_FRAME_S = 1e-3


@dataclass(frozen=True, slots=True)
class StageSummary:
    """One line of the table of stages.

    Attributes:
        stage: The stage's name.
        num_in: Videos that came in.
        num_out: Videos that went on.
        num_rejected: Videos rejected here.
        cost: What it took, summed over all workers.
        gpu_s: Seconds of a whole GPU in that: busy seconds times the share that a replica holds.
    """

    stage: str
    num_in: int
    num_out: int
    num_rejected: int
    cost: StageCost
    gpu_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Busy seconds."""
        return self.cost.busy_s

    @property
    def items_per_s(self) -> float | None:
        """Videos per busy second; None where nothing was measured."""
        return self.num_in / self.seconds if self.seconds > 0 else None

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {
            "stage": self.stage,
            "in": self.num_in,
            "out": self.num_out,
            "rejected": self.num_rejected,
            "seconds": round(self.seconds, 3),
            "items_per_s": None if self.items_per_s is None else round(self.items_per_s, 3),
            "cpu_s": round(self.cost.cpu_s, 3),
            "cpu_s_per_video": round(self.cost.cpu_s / self.num_in, 3),
            "gpu_s": round(self.gpu_s, 3),
            "gpu_s_per_video": round(self.gpu_s / self.num_in, 3),
            "frames": self.cost.num_frames,
            "clips": self.cost.num_clips,
            "tokens_written": self.cost.tokens_written,
            "tokens_read": self.cost.tokens_read,
            "tokens_shared": self.cost.tokens_shared,
        }

    @classmethod
    def from_json(cls, data: JsonDict) -> Self:
        """Inverse of :meth:`to_json`, but for what was rounded."""
        counts = (data[name] for name in ("frames", "clips", "tokens_written", "tokens_read", "tokens_shared"))
        cost = StageCost(data["seconds"], data["cpu_s"], *counts)
        return cls(data["stage"], data["in"], data["out"], data["rejected"], cost, data["gpu_s"])

    def __add__(self, other: StageSummary) -> StageSummary:
        return StageSummary(
            self.stage,
            self.num_in + other.num_in,
            self.num_out + other.num_out,
            self.num_rejected + other.num_rejected,
            self.cost + other.cost,
            self.gpu_s + other.gpu_s,
        )


@dataclass(frozen=True, slots=True)
class EmbeddedMedia:
    """A video file that is carried inside the page.

    Attributes:
        data: The file.
        mime: Its media type, such as ``video/mp4``.
    """

    data: bytes
    mime: str

    def __repr__(self) -> str:
        return f"EmbeddedMedia({len(self.data)} bytes, {self.mime})"


@dataclass(frozen=True, slots=True)
class LinkedMedia:
    """A video file that stays where it is.

    Attributes:
        uri: Path relative to the page (percent-encoded), or a ``file://`` URI: both play in the page. Anything else is
            only shown or, for ``http(s)://``, offered as a link, because the page makes no request on its own.
    """

    uri: str


@dataclass(frozen=True, slots=True)
class ReportFrame:
    """A sampled frame.

    Attributes:
        clip_index: 0-based place of its clip.
        time_s: Where it lies in the video, in seconds.
        jpeg: A small picture of it.
        is_kept: Whether it was left after visual compression.
    """

    clip_index: int
    time_s: float
    jpeg: bytes
    is_kept: bool

    def __repr__(self) -> str:
        return f"ReportFrame(clip {self.clip_index}, {self.time_s:.2f} s, {'kept' if self.is_kept else 'dropped'})"


@dataclass(frozen=True, slots=True)
class ReportVideo:
    """One narrated video.

    Attributes:
        video_id: As in the catalogue.
        product: The product with its knowledge.
        language: Language of the narrations.
        narrations: One a clip, in order.
        duration_s: Length of the video in seconds.
        decoder: Which decoder read it.
        notes: Remarks for a reader.
        media: The video itself, or None when there is nothing to play.
        frames: Sampled frames in order of time.
    """

    video_id: str
    product: Product
    language: Language
    narrations: tuple[Narration, ...]
    duration_s: float
    decoder: str
    notes: tuple[str, ...] = ()
    media: EmbeddedMedia | LinkedMedia | None = None
    frames: tuple[ReportFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything the page of a run shows.

    Attributes:
        run_id: Name of the run.
        started_at: When it began, with a time zone.
        finished_at: When it ended.
        model: Name of the model.
        model_description: One or two sentences about it.
        is_trained: Whether the model's visual part is trained.
        config_yaml: The resolved settings.
        stages: Table of stages; empty when nothing was left to do.
        num_videos: Videos in the catalogue.
        num_narrated: Videos with a result, made now or earlier.
        num_reused: Videos whose result was made by an earlier run.
        num_features_reused: Videos narrated now from features made by an earlier run.
        num_clips: Clips with a narration.
        num_clips_in_window: Clips whose narration lies inside its length window.
        videos: The videos shown, at most ``num_narrated``.
        rejections: Videos without a result, as many as are shown.
        num_more_rejected: Videos without a result that are not shown.
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    model: str
    model_description: str
    is_trained: bool
    config_yaml: str
    stages: tuple[StageSummary, ...]
    num_videos: int
    num_narrated: int
    num_reused: int
    num_features_reused: int
    num_clips: int
    num_clips_in_window: int
    videos: tuple[ReportVideo, ...]
    rejections: tuple[Rejection, ...]
    num_more_rejected: int = 0

    @property
    def num_rejected(self) -> int:
        """Videos without a result."""
        return len(self.rejections) + self.num_more_rejected


def report_video(
    narrated: NarratedVideo, features: VideoFeatures | None, media: EmbeddedMedia | LinkedMedia | None
) -> ReportVideo:
    """What the page shows of one result; without ``features`` there are no frames to see."""
    return ReportVideo(
        video_id=narrated.video_id,
        product=narrated.product,
        language=narrated.language,
        narrations=narrated.narrations,
        duration_s=narrated.duration_s,
        decoder=narrated.decoder,
        notes=narrated.notes,
        media=media,
        frames=() if features is None else tuple(_frames(features, narrated.narrations)),
    )


def _frames(features: VideoFeatures, narrations: Sequence[Narration]) -> list[ReportFrame]:
    kept_s = {narration.clip_index: narration.kept_frames_s for narration in narrations}
    return [
        ReportFrame(clip, time_s, jpeg, any(abs(time_s - kept) < _SAME_FRAME_S for kept in kept_s.get(clip, ())))
        for clip, time_s, jpeg in zip(
            features.clip_index_T.tolist(), features.time_s_T.tolist(), features.thumbnails_jpeg, strict=True
        )
    ]
