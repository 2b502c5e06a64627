"""The page of a run: one self-contained HTML file that opens from disk and requests nothing.

Knows what the page is made of; ``outputs.page`` puts it together and makes it safe, how it looks and behaves is in
``templates/``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from markupsafe import Markup

from narrator_ray.outputs.charts import LengthPoint, label_chart, length_chart, pace_chart, stage_chart
from narrator_ray.outputs.page import base64_text, json_text, render_page
from narrator_ray.outputs.report_content import (
    EmbeddedMedia,
    LinkedMedia,
    ReportFrame,
    ReportVideo,
    RunReport,
    StageSummary,
    report_video,
)
from narrator_ray.outputs.report_data import LANGUAGE_NAMES, LENGTH_UNITS, run_data
from narrator_ray.records import LANGUAGES, Narration

__all__ = [
    "EmbeddedMedia",
    "LinkedMedia",
    "ReportFrame",
    "ReportVideo",
    "RunReport",
    "StageSummary",
    "render_report",
    "report_video",
]

_SCRIPT_FILES = ("elements.js", "player.js", "clips.js", "report.js")


def render_report(report: RunReport) -> str:
    """The page of a run.

    Args:
        report: Everything the page shows.

    Returns:
        The text of an HTML file, to be written as UTF-8. Embedded media and frames take 4/3 of their
        size in it.
    """
    return render_page(
        "report.html.j2",
        ["report.css"],
        _SCRIPT_FILES,
        report=report,
        charts=_charts(report),
        reasons=Counter(str(rejection.reason) for rejection in report.rejections).most_common(),
        run_data=json_text(run_data(report)),
        videos=_video_blocks(report),
    )


def _charts(report: RunReport) -> list[tuple[str, Markup]]:
    """Charts with their titles: a row of those of single clips, a row of those of speed; a column for each language."""
    labels = Counter(label for video in report.videos for clip in video.narrations for label in clip.script_labels)
    upper, lower = [("Clips by script label", label_chart(labels))], []
    if report.stages:
        lower.append(("Busy seconds per stage", stage_chart({row.stage: row.seconds for row in report.stages})))
    used = [language for language in LANGUAGES if any(video.language == language for video in report.videos)]
    for language in used:
        unit, suffix = LENGTH_UNITS[language], f", {LANGUAGE_NAMES[language]}" if len(used) > 1 else ""
        narrations = [item for video in report.videos if video.language == language for item in video.narrations]
        rates_per_s = [item.num_words / item.clip.duration_s for item in narrations]
        length_unit = "spoken seconds" if any(item.spoken_window_s for item in narrations) else unit
        points = list(map(_length_point, narrations))
        upper.append((f"Length and allowed window{suffix}", length_chart(points, length_unit)))
        lower.append((f"Speaking rate{suffix}", pace_chart(rates_per_s, unit)))
    return upper + lower


def _length_point(narration: Narration) -> LengthPoint:
    rounded_s = round(narration.clip.duration_s, 1)
    if narration.spoken_s is not None and narration.spoken_window_s is not None:
        return LengthPoint(rounded_s, round(narration.spoken_s, 2), *narration.spoken_window_s)
    return LengthPoint(rounded_s, narration.num_words, narration.min_words, narration.max_words)


def _video_blocks(report: RunReport) -> Iterator[tuple[Markup, Markup | None]]:
    """Frames and embedded media of each video: blocks of their own, so that the page reads only those it shows."""
    for video in report.videos:
        frames = [[frame.clip_index, frame.time_s, frame.is_kept, base64_text(frame.jpeg)] for frame in video.frames]
        media = json_text(base64_text(video.media.data)) if isinstance(video.media, EmbeddedMedia) else None
        yield json_text(frames), media
