"""What came of every video of a plan, in the catalogue's order: its result read from the store, or its rejection."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from narrator_ray.errors import RejectReason, SchemaError
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import NarratedVideo, Rejection
from narrator_ray.runs.plan import RunPlan
from narrator_ray.runs.tally import Tally
from narrator_ray.runs.work import PlannedVideo

PUBLISH = "publish"
_READ_THREADS = 16
_BATCH_VIDEOS = 512


def read_results(
    store: ResultStore, plan: RunPlan, tally: Tally
) -> Iterator[tuple[PlannedVideo, NarratedVideo | Rejection]]:
    """Every video with its result or rejection; rows that asked for the very same result share its fate.

    Raises:
        StorageError: A result that should be there is not.
    """
    remaining = plan.videos
    with ThreadPoolExecutor(_READ_THREADS) as threads:
        while batch := list(islice(remaining, _BATCH_VIDEOS)):
            yield from zip(batch, threads.map(lambda planned: _result_of(store, planned, tally), batch), strict=True)


def _result_of(store: ResultStore, planned: PlannedVideo, tally: Tally) -> NarratedVideo | Rejection:
    if planned.rejection is not None:
        return planned.rejection
    item, video = planned.item, planned.item.video
    shared = tally.rejections.get(item.narration_key)
    if shared is not None:
        return replace(shared, video_id=video.video_id, uri=video.uri, key=item.narration_key)
    try:
        return replace(store.get_narration(item.narration_key), video_id=video.video_id, uri=video.uri)
    except SchemaError as error:
        reason = RejectReason.DAMAGED_OBJECT
        return Rejection(video.video_id, video.uri, PUBLISH, reason, str(error), item.narration_key)
