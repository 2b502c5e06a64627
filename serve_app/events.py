"""What is told of a video on its way, in order: accepted, clips, frames, then labels and narrations, and done.

Each becomes one server-sent event; its name is the event's, its JSON the data. A failure ends the stream as ``error``.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from narrator_ray.narration.job import ClipLabels
from narrator_ray.narration.length import Window
from narrator_ray.records import Clip, JsonDict, NarratedVideo, Narration
from serve_app.problems import Problem


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request is sound and its video has arrived.

    Attributes:
        request_id: Name of the result.
        model: Name of the preset.
        num_bytes: Size of the video.
    """

    request_id: str
    model: str
    num_bytes: int

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {"id": self.request_id, "model": self.model, "bytes": self.num_bytes}


@dataclass(frozen=True, slots=True)
class ClipsFound:
    """The video was split.

    Attributes:
        duration_s: Its length.
        width_px: Width as displayed.
        height_px: Height as displayed.
        clips: The clips.
    """

    duration_s: float
    width_px: int
    height_px: int
    clips: tuple[Clip, ...]

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        clips = [{"clip_index": index, "start_s": c.start_s, "end_s": c.end_s} for index, c in enumerate(self.clips)]
        size = {"width_px": self.width_px, "height_px": self.height_px}
        return {"duration_s": self.duration_s, **size, "clips": clips}


@dataclass(frozen=True, slots=True)
class FramesEncoded:
    """The pictures were looked at; writing begins.

    Attributes:
        clips: The clips, of which a file that breaks off may have fewer than were found.
        windows: Length window of each.
        num_frames: Frames sampled from each.
        posters_jpeg: A small picture of each.
    """

    clips: tuple[Clip, ...]
    windows: tuple[Window, ...]
    num_frames: tuple[int, ...]
    posters_jpeg: tuple[bytes, ...]

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        rows = zip(self.clips, self.windows, self.num_frames, self.posters_jpeg, strict=True)
        return {
            "num_frames": sum(self.num_frames),
            "clips": [
                {
                    "clip_index": index,
                    "start_s": clip.start_s,
                    "end_s": clip.end_s,
                    "min_words": low,
                    "max_words": high,
                    "num_frames": num_frames,
                    "poster": f"data:image/jpeg;base64,{base64.b64encode(poster).decode('ascii')}",
                }
                for index, (clip, (low, high), num_frames, poster) in enumerate(rows)
            ],
        }


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labels of a clip stand; its narration is being written."""

    labels: ClipLabels

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {
            "clip_index": self.labels.clip_index,
            "script_labels": [str(label) for label in self.labels.script_labels],
            "label_source": self.labels.label_source,
        }


@dataclass(frozen=True, slots=True)
class Narrated:
    """A clip is narrated."""

    narration: Narration

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return narration_json(self.narration)


@dataclass(frozen=True, slots=True)
class Done:
    """The video is narrated."""

    result: NarratedVideo

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return result_json(self.result)


Event = Accepted | ClipsFound | FramesEncoded | Labelled | Narrated | Done
_NAMES: dict[type, str] = {
    Accepted: "accepted",
    ClipsFound: "clips",
    FramesEncoded: "frames",
    Labelled: "label",
    Narrated: "narration",
    Done: "done",
    Problem: "error",
}


def result_json(result: NarratedVideo) -> JsonDict:
    """A result as clients see it: the batch job's, without its places in a store."""
    data = result.to_json()
    del data["video"], data["features_key"]
    return {
        "id": data.pop("video_id"),
        **data,
        "narrations": [narration_json(narration) for narration in result.narrations],
    }


def narration_json(narration: Narration) -> JsonDict:
    """One clip's narration as clients see it."""
    return {**narration.to_json(), "is_in_window": narration.is_in_window}


def server_sent(event: Event | Problem) -> bytes:
    """An event of a text/event-stream."""
    data = json.dumps(event.to_json(), ensure_ascii=False, allow_nan=False)
    return f"event: {_NAMES[type(event)]}\ndata: {data}\n\n".encode()
