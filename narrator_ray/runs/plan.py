"""What a run has to do, and why: every video of a catalogue compared with the store and with the last published run.

Planning reads file metadata and lists the output; it decodes nothing, loads no model and needs no cluster. That is why
a run that has nothing to do ends without starting Ray. The plan lies on local disk: a million videos take memory only
for the keys that are there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import numpy.typing as npt

from narrator_ray.catalog.shard import WHOLE, Shard
from narrator_ray.catalog.source import source_version
from narrator_ray.config import Config, SourceSettings
from narrator_ray.errors import ItemError, RejectReason
from narrator_ray.outputs.key_set import KeySet
from narrator_ray.outputs.keys import features_key, narration_key, row_fingerprint
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Rejection, Video
from narrator_ray.runs.comparison import Comparison
from narrator_ray.runs.last_run import LastRun
from narrator_ray.runs.reasons import WorkReason
from narrator_ray.runs.work import Fingerprints, PlannedVideo, WorkItem
from narrator_ray.storage.spool import Spool

FIND_SOURCE = "find_source"
_METADATA_THREADS = 32
_BATCH_VIDEOS = 1024


class RunPlan:
    """Every video of a catalogue, in its order, with what it needs.

    Attributes:
        counts: Videos by reason.
        num_to_do: Results to be made; rows that would make the very same result count once.
        num_to_decode: Of these, videos whose features are not there.
        last: The last published run, if there is one.
    """

    def __init__(self, last: LastRun | None = None) -> None:
        self.counts: Counter[WorkReason] = Counter()
        self.num_to_do = 0
        self.num_to_decode = 0
        self.last = last
        self._videos = Spool()
        self._keys = bytearray()
        self._decodes = bytearray()
        self._is_first: npt.NDArray[np.bool_] = np.zeros(0, bool)

    def add(self, planned: PlannedVideo) -> None:
        """Take the next video."""
        self._videos.append(planned.to_json())
        self.counts[planned.reason] += 1
        if planned.reason.is_work:
            self._keys += bytes.fromhex(planned.item.narration_key)
            self._decodes.append(not planned.item.has_features)

    def close(self) -> None:
        """Find the first of all rows that would make the very same result; call it when all videos were added."""
        pairs = np.frombuffer(bytes(self._keys), np.dtype("V16"))
        self._is_first = np.zeros(len(pairs), bool)
        if len(pairs):
            self._is_first[np.unique(pairs.view("<u8").reshape(-1, 2), axis=0, return_index=True)[1]] = True
        self.num_to_do = int(self._is_first.sum())
        self.num_to_decode = int((np.frombuffer(bytes(self._decodes), bool) & self._is_first).sum())
        self._keys.clear()
        self._decodes.clear()

    def __len__(self) -> int:
        return len(self._videos)

    @property
    def videos(self) -> Iterator[PlannedVideo]:
        """All videos."""
        return map(PlannedVideo.from_json, self._videos)

    @property
    def to_do(self) -> Iterator[WorkItem]:
        """Items without a result; of several that would make the very same result, the first."""
        work = (planned for planned in self.videos if planned.reason.is_work)
        return (planned.item for planned, is_first in zip(work, self._is_first, strict=True) if is_first)

    @property
    def num_reused(self) -> int:
        """Videos whose result is in the store already."""
        return self.counts[WorkReason.UNCHANGED]

    @property
    def num_features_reused(self) -> int:
        """Results to be made from features that are there."""
        return self.num_to_do - self.num_to_decode


@dataclass(frozen=True, slots=True)
class _Known:
    config: Config
    fingerprints: Fingerprints
    features: KeySet
    narrations: KeySet
    comparison: Comparison


def plan_run(
    videos: Iterable[Video],
    store: ResultStore,
    config: Config,
    fingerprints: Fingerprints,
    find_version: Callable[[str, SourceSettings], str] | None = None,
    retry: frozenset[RejectReason] = frozenset(),
    shard: Shard = WHOLE,
) -> RunPlan:
    """Look at every video file's metadata and list the store, and say what is left to do.

    Args:
        videos: The catalogue, or a shard of it.
        store: The output.
        config: The settings.
        fingerprints: Of the model.
        find_version: Gives the version of a video file, or raises ItemError; None looks at the file.
        retry: Rejections to try again besides those that every run tries again.
        shard: Which of the videos of the last published run are of interest.

    Raises:
        StorageError: The output cannot be listed.
        SchemaError: The last published run cannot be read.
    """
    last = LastRun.open(store.storage, shard)
    known = _Known(
        config,
        fingerprints,
        store.known_features(fingerprints.encoder),
        store.known_narrations(),
        Comparison(last, config, fingerprints, retry),
    )
    find = find_version or partial(source_version, storage=config.storage)
    plan, remaining = RunPlan(last), iter(videos)
    with ThreadPoolExecutor(_METADATA_THREADS) as threads:
        while batch := list(islice(remaining, _BATCH_VIDEOS)):
            versions = threads.map(lambda video: _version_or_rejection(video, find, config.sources), batch)
            for video, version in zip(batch, versions, strict=True):
                plan.add(_plan_video(video, version, known))
    plan.close()
    return plan


def _version_or_rejection(
    video: Video, find_version: Callable[[str, SourceSettings], str], rules: SourceSettings
) -> str | Rejection:
    try:
        return find_version(video.uri, rules)
    except ItemError as error:
        return Rejection(video.video_id, video.uri, FIND_SOURCE, error.reason, error.detail)


def _plan_video(video: Video, version: str | Rejection, known: _Known) -> PlannedVideo:
    row = row_fingerprint(video)
    if isinstance(version, Rejection):
        return PlannedVideo(WorkItem(video, "", "", "", False, False), WorkReason.NOT_FOUND, row, version)
    prints = known.fingerprints
    its_features = features_key(video, version, known.config, prints.encoder)
    key = narration_key(video, its_features, known.config, prints.narrator, prints.prompt, prints.adapters)
    item = WorkItem(video, version, its_features, key, its_features in known.features, key in known.narrations)
    reason, rejection = known.comparison.of(item, row)
    return PlannedVideo(item, reason, row, rejection)
