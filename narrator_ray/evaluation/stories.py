"""Narrations beside the references of a catalogue, video by video."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from narrator_ray.errors import MetricError
from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.records import Clip, ScriptLabel, Video


@dataclass(frozen=True, slots=True)
class JudgedClip:
    """One clip to judge.

    Attributes:
        key: ``<video>_<clip>``, as in the source.
        clip: Its times.
        is_listed: Whether the source lists it at all, with or without narration.
        narration: What was narrated; None if nothing was.
        labels: Script labels that the model chose; None if it chose none.
        reference: What the annotators wrote; None without references.
        reference_labels: What the annotators chose; None without.
    """

    key: str
    clip: Clip
    is_listed: bool
    narration: str | None
    labels: tuple[ScriptLabel, ...] | None
    reference: str | None
    reference_labels: tuple[ScriptLabel, ...] | None


@dataclass(frozen=True, slots=True)
class JudgedStory:
    """One video to judge.

    Attributes:
        video: Its row of the catalogue.
        clips: Every clip of it, narrated or not, in order.
    """

    video: Video
    clips: tuple[JudgedClip, ...]


@dataclass(frozen=True, slots=True)
class Stories:
    """Everything to judge.

    Attributes:
        stories: In the order of the source.
        num_without_narration: Videos of the catalogue that the source does not have; they are not judged.
        num_without_reference: Videos of the source that the catalogue does not have, likewise.
    """

    stories: tuple[JudgedStory, ...]
    num_without_narration: int
    num_without_reference: int


def join(narrated: Iterable[NarratedClip], videos: Iterable[Video]) -> Stories:
    """Put narrations beside the rows of a catalogue.

    A clip that the catalogue has and the source lacks is judged as one without narration.

    Raises:
        MetricError: They have no video in common.
    """
    of_video: dict[str, list[NarratedClip]] = {}
    for item in narrated:
        of_video.setdefault(item.video_id, []).append(item)
    rows = {video.video_id: video for video in videos}
    stories = tuple(_story(rows[video_id], items) for video_id, items in of_video.items() if video_id in rows)
    if not stories:
        raise MetricError("the narrations and the references have no video in common: compare their video ids")
    return Stories(stories, len(rows.keys() - of_video.keys()), len(of_video.keys() - rows.keys()))


def _story(video: Video, narrated: list[NarratedClip]) -> JudgedStory:
    numbers = _numbers(video) if narrated[0].numbers_all_clips else None
    of_clip = {item.clip_index: item for item in narrated}
    times = video.clips or tuple(item.clip for item in narrated if item.clip is not None)
    clips = [
        _clip(video, place, number, clip, of_clip.get(number))
        for place, (number, clip) in enumerate(zip(numbers or range(len(times)), times, strict=False))
    ]
    return JudgedStory(video, tuple(clips))


def _numbers(video: Video) -> list[int] | None:
    """0-based numbers of the clips in the annotation, where the importer left some out."""
    numbers = video.extra.get("original", {}).get("clip_numbers")
    return None if numbers is None else [number - 1 for number in numbers]


def _clip(video: Video, place: int, number: int, clip: Clip, narrated: NarratedClip | None) -> JudgedClip:
    has_references = video.clips is not None
    return JudgedClip(
        key=f"{video.video_id}_{number}",
        clip=clip,
        is_listed=narrated is not None,
        narration=None if narrated is None else narrated.text,
        labels=None if narrated is None else narrated.labels,
        reference=video.narrations[place] if has_references and video.narrations else None,
        reference_labels=video.storyline[place] if has_references and video.storyline else None,
    )
