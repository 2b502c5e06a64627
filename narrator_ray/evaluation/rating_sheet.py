"""A blind rating sheet of several systems, and the key that says who wrote what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Final

from narrator_ray.errors import MetricError
from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.evaluation.stories import JudgedStory, join
from narrator_ray.outputs.rating_page import RatingSheet, SheetStory, SheetVideo
from narrator_ray.outputs.report_content import EmbeddedMedia
from narrator_ray.records import Clip, JsonDict, Video
from narrator_ray.runs.report import media_of

KEY_FORMAT: Final = "narrator-ray.rating-key/1"
_NAME_BITS: Final = 48


def make_sheet(
    narrated: Mapping[str, Iterable[NarratedClip]],
    videos: Sequence[Video],
    num_videos: int | None = None,
    seed: int = 0,
    embed_bytes: float = 200e6,
) -> tuple[RatingSheet, JsonDict]:
    """A sheet of videos that all systems narrated, and its key.

    Videos come in a random order, and the systems' stories of a video in another one each time.

    Args:
        narrated: What each system narrated, by its name.
        videos: The videos with where they lie.
        num_videos: How many are drawn; None takes all.
        seed: Of the order, the draw and the names.
        embed_bytes: Videos are carried in the page until this much is used; the rest are linked.

    Raises:
        MetricError: The systems and the videos have none in common.
    """
    joined = {name: {s.video.video_id: s for s in join(clips, videos).stories} for name, clips in narrated.items()}
    common = [video_id for video_id in next(iter(joined.values())) if all(video_id in told for told in joined.values())]
    if not common:
        raise MetricError("the systems have no video in common: compare their video ids")
    rng = Random(f"{seed} {' '.join(joined)} {' '.join(common)}")
    chosen = rng.sample(common, min(num_videos or len(common), len(common)))
    shown: list[SheetVideo] = []
    stories: list[SheetStory] = []
    items: JsonDict = {}
    for video_id in chosen:
        told = {name: found[video_id] for name, found in joined.items()}
        shown.append(_video(next(iter(told.values())), embed_bytes))
        media = shown[-1].media
        embed_bytes -= len(media.data) if isinstance(media, EmbeddedMedia) else 0
        for name in rng.sample(list(told), len(told)):
            item = f"{rng.getrandbits(_NAME_BITS):012x}"
            stories.append(SheetStory(item, len(shown) - 1, _lines(told[name])))
            items[item] = {"video_id": video_id, "system": name}
    sheet = f"{rng.getrandbits(_NAME_BITS):012x}"
    return RatingSheet(sheet, tuple(shown), tuple(stories)), {"format": KEY_FORMAT, "sheet": sheet, "items": items}


def _video(story: JudgedStory, embed_bytes: float) -> SheetVideo:
    video = story.video
    duration_s = max(clip.clip.end_s for clip in story.clips)
    return SheetVideo(video.product.name, video.language, duration_s, media_of(video.uri, embed_bytes))


def _lines(story: JudgedStory) -> tuple[tuple[Clip, str], ...]:
    return tuple((clip.clip, clip.narration or "") for clip in story.clips)
