"""Why a run does a video, or leaves it; and which rejections are tried again by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from narrator_ray.errors import ConfigError, RejectReason


class WorkReason(StrEnum):
    """What a run makes of one video. A closed list: plans group by it."""

    NEW = "new"
    CHANGED_VIDEO = "changed_video"
    CHANGED_PRODUCT = "changed_product"
    CHANGED_MODEL = "changed_model"
    CHANGED_SETTINGS = "changed_settings"
    RETRY = "retry"
    RESULT_GONE = "result_gone"
    UNCHANGED = "unchanged"
    STILL_REJECTED = "still_rejected"
    NOT_FOUND = "not_found"

    @property
    def is_work(self) -> bool:
        """Whether there is something to do."""
        return self not in (WorkReason.UNCHANGED, WorkReason.STILL_REJECTED, WorkReason.NOT_FOUND)

    @property
    def explanation(self) -> str:
        """For people."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    WorkReason.NEW: "the newest published run does not have it",
    WorkReason.CHANGED_VIDEO: "the video file is another",
    WorkReason.CHANGED_PRODUCT: "its row says something else: product, language, clips, labels, lengths",
    WorkReason.CHANGED_MODEL: "weights, prompt or decoding rules are others",
    WorkReason.CHANGED_SETTINGS: "settings are others",
    WorkReason.RETRY: "rejected before, tried again",
    WorkReason.RESULT_GONE: "its result is no longer in the store",
    WorkReason.UNCHANGED: "its result is there",
    WorkReason.STILL_REJECTED: "rejected before, nothing changed (--retry-rejected tries again)",
    WorkReason.NOT_FOUND: "its file cannot be found or read",
}

TRANSIENT = frozenset(
    {
        RejectReason.VIDEO_NOT_FOUND,
        RejectReason.SOURCE_UNAVAILABLE,
        RejectReason.OUT_OF_MEMORY,
        RejectReason.DAMAGED_OBJECT,
        RejectReason.WORKER_DIED,
        RejectReason.UNEXPECTED,
    }
)
"""Reasons that say more about the night than about the video: every run tries again."""

RETRY_ALL = "all"


def retry_reasons(names: Iterable[str]) -> frozenset[RejectReason]:
    """Reasons to try again, from what was asked for; ``all`` stands for every reason.

    Raises:
        ConfigError: There is no such reason; names those there are.
    """
    asked = frozenset(names)
    if RETRY_ALL in asked:
        return frozenset(RejectReason)
    known = {str(reason) for reason in RejectReason}
    for name in sorted(asked - known):
        raise ConfigError(f"--retry-rejected={name}: no such reason; there are {', '.join(sorted(known))}")
    return frozenset(map(RejectReason, asked))
