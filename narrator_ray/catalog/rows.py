"""One raw manifest row to a video, or every problem it has. Knows nothing of files."""

from __future__ import annotations

from collections.abc import Mapping

from narrator_ray.catalog.clip_fields import read_clips, read_labels, read_narration, read_per_clip, read_word_range
from narrator_ray.catalog.fields import Report, nearest, read_extra, read_id, read_language, read_text
from narrator_ray.catalog.product_field import read_product
from narrator_ray.catalog.video_field import read_video
from narrator_ray.records import Video

FIELDS = (
    "video_id",
    "video",
    "product",
    "clips",
    "storyline",
    "narrations",
    "word_ranges",
    "language",
    "adapter",
    "extra",
)
"""Every field a row can have."""
REQUIRED_FIELDS = FIELDS[:3]
"""The fields every row must have."""


def read_row(data: Mapping[str, object], base: str, report: Report) -> Video | None:
    """A video from a raw row.

    Args:
        data: JSON values by field; None is the same as a missing field.
        base: Folder of the manifest; relative video paths start there.
        report: Called with field and message for every problem.

    Returns:
        The video; None if it has no id, place, product or language. Of use only if no problem was reported.
    """
    for name in data:
        if name not in FIELDS:
            report(name, unknown_field(name))
    product, clips = read_product(data.get("product"), report), data.get("clips")
    video_id, uri = read_id(data.get("video_id"), report), read_video(data.get("video"), base, report)
    language = read_language(data.get("language"), product, report)
    given_clips = read_clips(clips, report)
    storyline = read_per_clip(data.get("storyline"), "storyline", clips, read_labels, report)
    narrations = read_per_clip(data.get("narrations"), "narrations", clips, read_narration, report)
    word_ranges = read_per_clip(data.get("word_ranges"), "word_ranges", clips, read_word_range, report)
    adapter = None if data.get("adapter") is None else read_text(data["adapter"], "adapter", report)
    extra = read_extra(data.get("extra"), report)
    if video_id is None or uri is None or product is None or language is None:
        return None
    return Video(
        video_id, uri, product, language, given_clips, storyline, narrations, word_ranges, adapter=adapter, extra=extra
    )


def unknown_field(name: str) -> str:
    """What to say of a field that does not exist."""
    return f"no such field; nearest is `{nearest(name, FIELDS)}`; put anything that is only handed through under extra"
