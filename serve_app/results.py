"""Results that can still be asked for and changed: what was narrated and what was seen, kept for a while.

    <id>/result.json       the request and its result
    <id>/features.arrow    what the model saw, without pictures

All ingress replicas must reach the same place: a folder of this machine, or an s3:// prefix where there are several. A
result is only given to the caller who asked for it. Videos are not kept.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from http import HTTPStatus

from narrator_ray.errors import StorageError
from narrator_ray.records import JsonDict, NarratedVideo, Video
from narrator_ray.schema import VideoFeatures
from narrator_ray.storage.storage import Storage
from serve_app.asked import Asked
from serve_app.problems import Problem

_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SWEEP_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class KeptResult:
    """A result that can be changed.

    Attributes:
        caller: Who asked for it.
        asked: What was asked.
        version: Version of the video's bytes.
        result: What was narrated, with all changes so far.
        features: What the model saw.
    """

    caller: str
    asked: Asked
    version: str
    result: NarratedVideo
    features: VideoFeatures

    def to_json(self) -> JsonDict:
        """Plain JSON form of all but the features."""
        row, result = self.asked.row.to_json(), self.result.to_json()
        return {"caller": self.caller, "row": row, "seed": self.asked.seed, "version": self.version, "result": result}


class Results:
    """Keeps results.

    Args:
        storage: The place.
        keep_s: Seconds after which a result is removed.
    """

    def __init__(self, storage: Storage, keep_s: float) -> None:
        self._storage = storage
        self._keep_s = keep_s
        self._swept_s = 0.0

    def put(self, kept: KeptResult) -> None:
        """Keep a result; its pictures are left out.

        Raises:
            StorageError: The place cannot be written.
        """
        name, none = kept.result.video_id, (b"",) * len(kept.features.thumbnails_jpeg)
        features = replace(kept.features, thumbnails_jpeg=none)
        self._storage.write(f"{name}/features.arrow", features.to_arrow())
        self.change(kept)
        self._sweep()

    def change(self, kept: KeptResult) -> None:
        """Keep a result in the place of what it was before."""
        data = json.dumps(kept.to_json(), ensure_ascii=False, allow_nan=False).encode()
        self._storage.write(f"{kept.result.video_id}/result.json", data)

    def get(self, name: str, caller: str) -> KeptResult:
        """A result of that caller.

        Raises:
            Problem: There is none, or none any more.
        """
        try:
            if not _ID.fullmatch(name):
                raise _unknown()
            data = json.loads(self._storage.read(f"{name}/result.json"))
            features = VideoFeatures.from_arrow(self._storage.read(f"{name}/features.arrow"))
        except StorageError as error:
            raise _unknown() from error
        if data["caller"] != caller:
            raise _unknown()
        asked = Asked(Video.from_json(data["row"]), data["seed"])
        return KeptResult(caller, asked, data["version"], NarratedVideo.from_json(data["result"]), features)

    def _sweep(self) -> None:
        """Remove what is too old, now and then."""
        now_s = time.time()
        if now_s < self._swept_s + _SWEEP_EVERY_S:
            return
        self._swept_s = now_s
        old = [entry.key for entry in self._storage.entries() if entry.modified_at_s < now_s - self._keep_s]
        self._storage.delete(old)


def _unknown() -> Problem:
    detail = "there is no such narration of yours, or not any more: results are kept for a while only"
    return Problem(HTTPStatus.NOT_FOUND, "unknown_narration", detail)
