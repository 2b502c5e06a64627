"""Why a video is to be done: what is different from the last published run."""

from __future__ import annotations

from typing import Any

from narrator_ray import __version__
from narrator_ray.catalog.short_hash import short_hash
from narrator_ray.config import Config
from narrator_ray.errors import RejectReason
from narrator_ray.records import JsonDict, Rejection
from narrator_ray.runs.last_run import LastRun, PastVideo
from narrator_ray.runs.reasons import TRANSIENT, WorkReason
from narrator_ray.runs.work import Fingerprints, WorkItem

_NO_VERDICT = ("run", "report", "storage")
"""Sections that decide how a run goes and not what becomes of a video."""


class Comparison:
    """Compares one video after another with the last published run.

    A rejection holds as long as the video would be made of the very same, under the same settings, by the same version
    of this program, and unless its reason is transient or asked to be tried again.

    Args:
        last: The last published run, or None.
        config: The settings of this one.
        fingerprints: Of its model.
        retry: Reasons to try again besides the transient ones.
    """

    def __init__(
        self, last: LastRun | None, config: Config, fingerprints: Fingerprints, retry: frozenset[RejectReason]
    ) -> None:
        self._last = last
        self._retried = TRANSIENT | retry
        record = {} if last is None else last.record
        self._has_same_model = record.get("model", {}).get("fingerprints") == fingerprints.to_json()
        self._has_same_verdicts = record.get("software", {}).get("narrator-ray") == __version__ and verdict_settings(
            record.get("config", {})
        ) == verdict_settings(config.model_dump(mode="json"))

    def of(self, item: WorkItem, row_fingerprint: str) -> tuple[WorkReason, Rejection | None]:
        """The reason, and the rejection that still holds, if one does."""
        if item.has_narration:
            return WorkReason.UNCHANGED, None
        rejection = None if self._last is None else self._last.rejection_of(item.video.video_id)
        if rejection is not None and rejection.key in ("", item.narration_key):
            if not rejection.key or rejection.reason in self._retried:
                return WorkReason.RETRY, None
            if self._has_same_verdicts:
                return WorkReason.STILL_REJECTED, rejection
        past = None if self._last is None else self._last.find(item.video.video_id)
        return (WorkReason.NEW if past is None else self._change(past, item, row_fingerprint)), None

    def _change(self, past: PastVideo, item: WorkItem, row_fingerprint: str) -> WorkReason:
        """What is different; of several differences the one that lies furthest upstream."""
        if past.source_version != short_hash(item.source_version):
            return WorkReason.CHANGED_VIDEO
        if past.row_fingerprint != short_hash(row_fingerprint):
            return WorkReason.CHANGED_PRODUCT
        if not self._has_same_model:
            return WorkReason.CHANGED_MODEL
        if past.is_narrated and past.key == short_hash(item.narration_key):
            return WorkReason.RESULT_GONE
        return WorkReason.CHANGED_SETTINGS


def verdict_settings(config: JsonDict) -> dict[str, Any]:
    """Those that decide what becomes of a video."""
    return {name: section for name, section in config.items() if name not in _NO_VERDICT}
