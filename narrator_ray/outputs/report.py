"""The page of a run: one self-contained HTML file that opens from disk and requests nothing.

Knows how the parts of the page come together and are made safe; how it looks and behaves is in ``templates/``. Product
names, texts and error details are untrusted: they reach the page escaped by the template, or as JSON that the script
shows as text only, and a content security policy lets nothing but this page's own script and style run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from narrator_ray.outputs.charts import LengthPoint, label_chart, length_chart, pace_chart, stage_chart
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
_JSON_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def render_report(report: RunReport) -> str:
    """The page of a run.

    Args:
        report: Everything the page shows.

    Returns:
        The text of an HTML file, to be written as UTF-8. Embedded media and frames take 4/3 of their
        size in it.
    """
    style = _template_text("report.css")
    script = '(() => {\n"use strict";\n' + "\n".join(map(_template_text, _SCRIPT_FILES)) + "})();\n"
    environment = Environment(
        loader=PackageLoader("narrator_ray.outputs"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        policy=_security_policy(script, style),
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - files of this package
        charts=_charts(report),
        reasons=Counter(str(rejection.reason) for rejection in report.rejections).most_common(),
        run_data=_json_text(run_data(report)),
        videos=_video_blocks(report),
    )


def _template_text(name: str) -> str:
    return resources.files("narrator_ray.outputs").joinpath("templates", name).read_text(encoding="utf-8")


def _security_policy(script: str, style: str) -> str:
    """Nothing may be loaded but what is in the page or, for media and pictures, on the reader's own disk."""
    local = "data: blob: file:"
    return (
        f"default-src 'none'; script-src {_hash_source(script)}; style-src {_hash_source(style)}; img-src {local}; "
        f"media-src 'self' {local}; base-uri 'none'; form-action 'none'"
    )


def _hash_source(content: str) -> str:
    return f"'sha256-{_base64(hashlib.sha256(content.encode()).digest())}'"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _json_text(value: Any) -> Markup:
    """JSON for a ``<script type="application/json">`` block: no character in it can end the block."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.translate(_JSON_ESCAPES))  # noqa: S704 - "<", ">" and "&" are written as \\uXXXX


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
        frames = [[frame.clip_index, frame.time_s, frame.is_kept, _base64(frame.jpeg)] for frame in video.frames]
        media = _json_text(_base64(video.media.data)) if isinstance(video.media, EmbeddedMedia) else None
        yield _json_text(frames), media
