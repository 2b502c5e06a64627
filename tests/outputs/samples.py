"""Small results to write tables, subtitles and reports of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from narrator_ray.cost import StageCost
from narrator_ray.errors import RejectReason
from narrator_ray.outputs.report import ReportVideo, RunReport, StageSummary
from narrator_ray.records import (
    Clip,
    KnowledgePoint,
    Language,
    NarratedVideo,
    Narration,
    Product,
    Rejection,
    ScriptLabel,
    Video,
)

HOSTILE_TEXTS = (
    "<script>document.title='pwned'</script>",
    "</script><script>document.title='pwned'</script>",
    '"><img src=x onerror="document.title=\'pwned\'">',
    "قميص أزرق \u202e abc",
    "🧴 手帕 👩‍🚀",
)
BOTTLE = Product(
    "Aurora bottle",
    (KnowledgePoint("effect", "keeps drinks cold for 24 hours"), KnowledgePoint("material", "brushed steel")),
)


def narration(text: str, start_s: float = 0.0, end_s: float = 4.0, clip_index: int = 0) -> Narration:
    """A narration of one clip whose window holds any text of fewer than 30 words."""
    label = ScriptLabel.PRODUCT_EFFECT
    return Narration(
        clip_index, Clip(start_s, end_s), (label,), "generated", text, len(text.split()), 1, 30, 2, (start_s,)
    )


def narrated_video(video_id: str = "shop-1", texts: tuple[str, ...] = ("Cold for 24 hours.",)) -> NarratedVideo:
    """A result with clips of four seconds."""
    narrations = tuple(narration(text, 4.0 * place, 4.0 * place + 4, place) for place, text in enumerate(texts))
    return NarratedVideo(
        video_id=video_id,
        key="ab12",
        features_key="cd34",
        uri=f"/videos/{video_id}.mp4",
        product=BOTTLE,
        language="en",
        narrations=narrations,
        decoder="decord",
        duration_s=4.0 * len(texts),
        model="nano",
        notes=("one note",),
    )


def row_of(result: NarratedVideo, **changes: object) -> Video:
    """The manifest row that a result was made of."""
    row = Video(result.video_id, result.uri, result.product, result.language, extra={"sku": "7", "名": "杯"})
    return replace(row, **changes)


def shown_video(
    text: str = "Cold for 24 hours.", language: Language = "en", name: str = "Aurora bottle"
) -> ReportVideo:
    """A video of a report with one clip and nothing to play."""
    return ReportVideo("shop-1", Product(name, BOTTLE.knowledge), language, (narration(text),), 4.0, "decord")


def run_report(*videos: ReportVideo, **changes: object) -> RunReport:
    """A report of those videos and one rejection."""
    started = datetime(2026, 3, 4, 9, 12, tzinfo=UTC)
    num_clips = sum(len(video.narrations) for video in videos)
    report = RunReport(
        run_id="run-1",
        started_at=started,
        finished_at=started + timedelta(seconds=90),
        model="nano",
        model_description="A small model.",
        is_trained=True,
        config_yaml="model:\n  preset: nano\n",
        stages=(StageSummary("narrate", 2, 1, 1, StageCost(3.25)),),
        num_videos=len(videos) + 1,
        num_narrated=len(videos),
        num_reused=0,
        num_features_reused=0,
        num_clips=num_clips,
        num_clips_in_window=num_clips,
        videos=videos,
        rejections=(Rejection("shop-9", "/v/9.mp4", "sample_frames", RejectReason.VIDEO_EMPTY, "The file is empty."),),
    )
    return replace(report, **changes)
