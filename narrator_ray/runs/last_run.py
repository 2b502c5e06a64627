"""What the newest published run says of each video, so that the next one can tell what has changed.

Forty bytes a video, however long ids and versions are; rejections in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from narrator_ray.catalog.shard import WHOLE, Shard
from narrator_ray.catalog.short_hash import short_hash
from narrator_ray.errors import SchemaError
from narrator_ray.records import JsonDict, Rejection
from narrator_ray.runs.run_folder import LATEST, latest_run_id, read_record, run_folder, run_path
from narrator_ray.schema import REJECTED, VIDEOS
from narrator_ray.storage.storage import Storage

VIDEOS_FILE = "videos.parquet"
REJECTED_FILE = "rejected.parquet"
_COLUMNS = ("source_version", "row_fingerprint", "key")


@dataclass(frozen=True, slots=True)
class PastVideo:
    """What one video was made of, as hashes.

    Attributes:
        source_version: Of its file.
        row_fingerprint: Of what its row says.
        key: Of its narration.
        is_narrated: Whether it had a result.
    """

    source_version: int
    row_fingerprint: int
    key: int
    is_narrated: bool


class LastRun:
    """The newest published run of an output.

    Args:
        record: Its run.json.
        hashes: uint64 [N, 4], sorted by the first column: hashes of id, version, row and key.
        is_narrated: bool [N].
        rejections: Its rejections by video.
    """

    def __init__(
        self,
        record: JsonDict,
        hashes: npt.NDArray[np.uint64],
        is_narrated: npt.NDArray[np.bool_],
        rejections: dict[str, Rejection],
    ) -> None:
        self.record = record
        self._hashes = hashes
        self._is_narrated = is_narrated
        self._rejections = rejections

    @classmethod
    def open(cls, storage: Storage, shard: Shard = WHOLE) -> LastRun | None:
        """The newest published run, or None: there is none, or it was published before runs kept this.

        Args:
            storage: The output.
            shard: Which of its videos are of interest.

        Raises:
            SchemaError: What was published cannot be read.
        """
        if not storage.exists(LATEST):
            return None
        run_id = latest_run_id(storage)
        if not storage.exists(run_path(run_id, VIDEOS_FILE)):
            return None
        try:
            hashes, is_narrated = _read_videos(storage, run_path(run_id, VIDEOS_FILE), shard)
            rejections = _read_rejections(storage, run_path(run_id, REJECTED_FILE), shard)
        except (pa.ArrowException, KeyError, ValueError) as error:
            raise SchemaError(f"{storage.path_of(run_path(run_id, ''))}: cannot be read: {error}") from error
        return cls(read_record(storage, run_folder(run_id)), hashes, is_narrated, rejections)

    def find(self, video_id: str) -> PastVideo | None:
        """What is known of a video; None if the run did not have it."""
        wanted = np.uint64(short_hash(video_id))
        place = int(np.searchsorted(self._hashes[:, 0], wanted))
        if place == len(self._hashes) or self._hashes[place, 0] != wanted:
            return None
        version, row, key = (int(value) for value in self._hashes[place, 1:])
        return PastVideo(version, row, key, bool(self._is_narrated[place]))

    def rejection_of(self, video_id: str) -> Rejection | None:
        """Why a video was rejected, if it was."""
        return self._rejections.get(video_id)


def _read_videos(storage: Storage, path: str, shard: Shard) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    parts, flags = [np.empty((0, 1 + len(_COLUMNS)), np.uint64)], [np.empty(0, bool)]
    with storage.opened(path) as file:
        for batch in pq.ParquetFile(file).iter_batches(columns=VIDEOS.names):
            ids = np.array([short_hash(text) for text in batch["video_id"].to_pylist()], np.uint64)
            is_held = shard.holds_hashes(ids)
            rows = batch.filter(pa.array(is_held))
            others = [[short_hash(text) for text in rows[name].to_pylist()] for name in _COLUMNS]
            parts.append(np.column_stack([ids[is_held], np.array(others, np.uint64).T]))
            flags.append(rows["is_narrated"].to_numpy(zero_copy_only=False))
    hashes, is_narrated = np.concatenate(parts), np.concatenate(flags)
    order = np.argsort(hashes[:, 0], kind="stable")
    return np.asfortranarray(hashes[order]), is_narrated[order]


def _read_rejections(storage: Storage, path: str, shard: Shard) -> dict[str, Rejection]:
    with storage.opened(path) as file:
        batches = pq.ParquetFile(file).iter_batches(columns=REJECTED.names)
        rows = (row for batch in batches for row in batch.to_pylist() if shard.holds(row["video_id"]))
        return {row["video_id"]: Rejection.from_json(row) for row in rows}
