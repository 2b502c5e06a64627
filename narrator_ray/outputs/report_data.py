"""What the script of a report page reads: the run's videos as plain JSON values.

Names are those that ``templates/*.js`` use. What needs no screen is decided here: captions are timed and broken into
lines, facts matched, numbers marked, and addresses sorted into those that may play.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from narrator_ray.outputs.mentions import number_spans, used_points
from narrator_ray.outputs.report_content import EmbeddedMedia, LinkedMedia, ReportVideo, RunReport
from narrator_ray.outputs.subtitles import caption_cues
from narrator_ray.records import JsonDict, Language, Narration, Product, ScriptLabel

LENGTH_UNITS: dict[Language, str] = {"en": "words", "zh": "characters"}
LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "zh": "Chinese"}


def run_data(report: RunReport) -> JsonDict:
    """Everything about the shown videos but their pictures and files."""
    return {
        "labels": {str(label): label.name_in("en") for label in ScriptLabel},
        "languages": LANGUAGE_NAMES,
        "units": LENGTH_UNITS,
        "videos": [_video_data(video) for video in report.videos],
    }


def _video_data(video: ReportVideo) -> JsonDict:
    return {
        "id": video.video_id,
        "name": video.product.name,
        "language": video.language,
        "duration_s": video.duration_s,
        "decoder": video.decoder,
        "notes": video.notes,
        "media": media_data(video.media),
        "knowledge": _knowledge_data(video),
        "clips": [_clip_data(narration, video.product) for narration in video.narrations],
        "cues": [
            [cue.start_ms / 1000, cue.end_ms / 1000, cue.vtt_payload]
            for cue in caption_cues(video.narrations, video.language)
        ],
    }


def media_data(media: EmbeddedMedia | LinkedMedia | None) -> JsonDict | None:
    """What ``player.js`` needs to know of a video: whether it is in the page, beside it or elsewhere."""
    if isinstance(media, EmbeddedMedia):
        return {"kind": "embedded", "mime": media.mime}
    if media is None:
        return None
    parts = urlsplit(media.uri)
    if parts.scheme == "file" or not (parts.scheme or parts.netloc):
        return {"kind": "local", "uri": media.uri}
    return {"kind": "remote" if parts.scheme in ("http", "https") else "elsewhere", "uri": media.uri}


def _knowledge_data(video: ReportVideo) -> list[JsonDict]:
    texts = [narration.text for narration in video.narrations]
    return [
        {"category": use.point.category, "point": use.point.point, "used_in": use.used_in}
        for use in used_points(video.product, texts, video.language)
    ]


def _clip_data(narration: Narration, product: Product) -> JsonDict:
    data = narration.to_json()
    del data["narration"], data["kept_frames_s"]
    return {
        **data,
        "is_in_window": narration.is_in_window,
        "num_kept": len(narration.kept_frames_s),
        "parts": list(_text_parts(narration.text, product)),
    }


def _text_parts(text: str, product: Product) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with its kind: ``text``, ``known`` number or ``unknown`` number."""
    place = 0
    for span in number_spans(text, product):
        yield text[place : span.start], "text"
        yield text[span.start : span.end], "known" if span.is_known else "unknown"
        place = span.end
    yield text[place:], "text"
