"""The sheet on which people rate stories: one self-contained HTML file that names no system.

It carries the videos, shows each story as captions and as text, takes marks by mouse or keyboard and saves them to a
file. Who wrote which story stands in another file, the key, which raters are not given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from narrator_ray.outputs.page import base64_text, json_text, render_page
from narrator_ray.outputs.report_content import EmbeddedMedia, LinkedMedia
from narrator_ray.outputs.report_data import media_data
from narrator_ray.outputs.subtitles import text_cues
from narrator_ray.records import Clip, JsonDict, Language

RATINGS_FORMAT: Final = "narrator-ray.ratings/1"
SCALES: Final = {
    "relevance": (
        "Visual relevance",
        ("has nothing to do with the pictures", "fits a few clips", "fits most clips", "fits every clip"),
    ),
    "attractiveness": (
        "Attractiveness",
        ("puts me off", "leaves me cold", "makes me look", "makes me want it"),
    ),
    "coherence": (
        "Coherence",
        ("clips do not hang together", "breaks and repetitions", "mostly one story", "one story, start to end"),
    ),
}
"""What is rated from 0 to 3, and what the marks stand for. The scales are the paper's, the words ours."""


@dataclass(frozen=True, slots=True)
class SheetVideo:
    """One video of a sheet.

    Attributes:
        name: Of its product.
        language: Of its stories.
        duration_s: Length in seconds.
        media: The video itself, or None when there is nothing to play.
    """

    name: str
    language: Language
    duration_s: float
    media: EmbeddedMedia | LinkedMedia | None


@dataclass(frozen=True, slots=True)
class SheetStory:
    """One story to rate.

    Attributes:
        item: A name that tells nothing.
        video: Place of its video in the sheet.
        lines: Each clip and what is said in it.
    """

    item: str
    video: int
    lines: tuple[tuple[Clip, str], ...]


@dataclass(frozen=True, slots=True)
class RatingSheet:
    """A sheet.

    Attributes:
        sheet: Name of the sheet, which files of marks and the key carry, too.
        videos: The videos.
        stories: In the order in which they are rated.
    """

    sheet: str
    videos: tuple[SheetVideo, ...]
    stories: tuple[SheetStory, ...]


def render_sheet(sheet: RatingSheet) -> str:
    """The page as the text of an HTML file, to be written as UTF-8."""
    media = [
        json_text(base64_text(video.media.data)) if isinstance(video.media, EmbeddedMedia) else None
        for video in sheet.videos
    ]
    return render_page(
        "rating.html.j2",
        ["report.css", "rating.css"],
        ["elements.js", "player.js", "rating.js"],
        sheet=sheet,
        media=media,
        sheet_data=json_text(_sheet_data(sheet)),
    )


def _sheet_data(sheet: RatingSheet) -> JsonDict:
    return {
        "format": RATINGS_FORMAT,
        "sheet": sheet.sheet,
        "scales": [{"name": name, "title": title, "marks": list(marks)} for name, (title, marks) in SCALES.items()],
        "videos": [
            {
                "name": video.name,
                "language": video.language,
                "duration_s": video.duration_s,
                "media": media_data(video.media),
            }
            for video in sheet.videos
        ],
        "stories": [_story_data(story, sheet.videos) for story in sheet.stories],
    }


def _story_data(story: SheetStory, videos: Sequence[SheetVideo]) -> JsonDict:
    return {
        "item": story.item,
        "video": story.video,
        "lines": [{"start_s": clip.start_s, "end_s": clip.end_s, "text": text} for clip, text in story.lines],
        "cues": [
            [cue.start_ms / 1000, cue.end_ms / 1000, cue.vtt_payload]
            for cue in text_cues(story.lines, videos[story.video].language)
        ],
    }
