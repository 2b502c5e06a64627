"""What a training learns from and what it holds out: fixed when it begins, so that it can be taken up unchanged."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError
from narrator_ray.records import JsonDict, Rejection
from narrator_ray.runs.work import WorkItem

_HASH_BYTES = 8
_HASH_RANGE = float(1 << 8 * _HASH_BYTES)


@dataclass(frozen=True, slots=True)
class VideoSamples:
    """A video's samples as they lie on storage.

    Attributes:
        video_id: Which video.
        key: Name of its samples.
        lengths: Tokens of each.
    """

    video_id: str
    key: str
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Videos that are learnt, videos that are held out, and videos of which nothing can be learnt.

    Attributes:
        learnt: In the catalogue's order.
        held_out: Likewise.
        narrated: Held-out videos that are narrated at validations.
        rejections: Why there is nothing to learn of the others.
    """

    learnt: tuple[VideoSamples, ...]
    held_out: tuple[VideoSamples, ...]
    narrated: tuple[WorkItem, ...]
    rejections: tuple[Rejection, ...]

    @property
    def num_videos(self) -> int:
        """Videos of the catalogue."""
        return len(self.learnt) + len(self.held_out) + len(self.rejections)

    @property
    def reasons(self) -> Counter[str]:
        """Rejected videos by reason."""
        return Counter(str(rejection.reason) for rejection in self.rejections)

    def check(self) -> None:
        """Make sure that there is something to learn.

        Raises:
            ConfigError: There is not; says why.
        """
        if not self.learnt:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.reasons.most_common())
            held = f", {len(self.held_out)} held out (training.validation_fraction)" if self.held_out else ""
            raise ConfigError(f"there is nothing to learn: of {self.num_videos} videos {reasons or 'none'}{held}")

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {
            "learnt": [[video.video_id, video.key, *video.lengths] for video in self.learnt],
            "held_out": [[video.video_id, video.key, *video.lengths] for video in self.held_out],
            "narrated": [json.loads(work.to_json()) for work in self.narrated],
            "rejected": [rejection.to_json() for rejection in self.rejections],
        }

    @classmethod
    def from_json(cls, data: JsonDict) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(
            learnt=_videos(data["learnt"]),
            held_out=_videos(data["held_out"]),
            narrated=tuple(WorkItem.from_json(json.dumps(work)) for work in data["narrated"]),
            rejections=tuple(map(Rejection.from_json, data["rejected"])),
        )


def places(videos: Iterable[VideoSamples]) -> tuple[list[tuple[str, int]], list[int]]:
    """Where every sample of these videos is, and how many tokens it has."""
    found = [(video.key, row, length) for video in videos for row, length in enumerate(video.lengths)]
    return [(key, row) for key, row, _ in found], [length for _, _, length in found]


def is_held_out(work: WorkItem, settings: TrainingSettings) -> bool:
    """Whether a video is held out: by its product's name, so that videos of one product stay together."""
    digest = hashlib.sha256(f"{settings.seed}\n{work.video.product.name}".encode()).digest()
    share = int.from_bytes(digest[:_HASH_BYTES], "big") / _HASH_RANGE
    return share < settings.validation_fraction


def _videos(rows: Sequence[Sequence[Any]]) -> tuple[VideoSamples, ...]:
    return tuple(VideoSamples(name, key, tuple(lengths)) for name, key, *lengths in rows)
