"""Objects that no recent run refers to: what changed products, changed settings and removed videos leave behind.

With them go shards of nights that are over, which were put together or never will be, and uploads in parts whose
writers were killed: no reader sees them, but object stores keep and bill them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.outputs.key_set import KeySet
from narrator_ray.runs.last_run import VIDEOS_FILE
from narrator_ray.runs.night import complete_shards
from narrator_ray.runs.run_folder import SHARDS, begun, complete_runs, latest_run_id, run_folder, unfinished_runs
from narrator_ray.runs.run_tables import NARRATIONS_FILE
from narrator_ray.storage.object_entry import ObjectEntry
from narrator_ray.storage.storage import Storage

_FOLDERS = ("features", "narrations")
_KEY_COLUMNS = ("key", "features_key")
_OBJECTS_PER_REQUEST = 1000
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Garbage:
    """What was found.

    Attributes:
        num_runs: Published runs whose objects are kept.
        num_kept: Objects that they refer to, or shards of a night that is not published yet.
        num_young: Objects that none of them refers to, but that are too young to be removed.
        num_objects: Objects to be removed, or removed.
        num_bytes: Their size.
        num_uploads: Uploads in parts that were never completed, ended or to be ended.
    """

    num_runs: int
    num_kept: int
    num_young: int
    num_objects: int
    num_bytes: int
    num_uploads: int = 0


def collect_garbage(storage: Storage, keep_runs: int, min_age_s: float, is_dry: bool) -> Garbage:
    """Find features and narrations that no published run of the last ones refers to, and remove them.

    Objects younger than ``min_age_s`` stay: a run that is under way has made them. Nothing is removed while a run that
    began since then is not complete, because it may count on objects that only older runs refer to. Shards that began
    after the published run keep what they refer to, and go when one that began later is published.

    Args:
        storage: The output.
        keep_runs: How many of the newest published runs keep what they refer to.
        min_age_s: Age in seconds from which an object is removed.
        is_dry: Only look.

    Raises:
        StorageError: There is no published run, one is under way, or the output cannot be listed or written.
        SchemaError: A run that is to be kept cannot be read; nothing was removed.
    """
    # The run that readers follow is kept even if others that began after it were complete before it.
    latest = latest_run_id(storage)
    runs = list(dict.fromkeys([latest, *complete_runs(storage)]))[:keep_runs]
    oldest_s = time.time() - min_age_s
    if not is_dry:
        _check_no_run(storage, oldest_s)
    needed = KeySet()
    waiting = [shard.folder for shard in complete_shards(storage) if not _is_over(shard.run_id, latest)]
    for folder in (*map(run_folder, runs), *waiting):
        needed = needed | KeySet(_keys_of(storage, folder))
    found = _sweep(storage, needed, oldest_s, len(runs), is_dry)
    shards = [entry for entry in storage.entries(SHARDS) if _is_over(entry.key.split("/")[3], latest)]
    old = [entry for entry in shards if entry.modified_at_s <= oldest_s]
    _remove(storage, old, is_dry)
    return replace(
        found,
        num_young=found.num_young + len(shards) - len(old),
        num_objects=found.num_objects + len(old),
        num_bytes=found.num_bytes + sum(entry.num_bytes for entry in old),
        num_uploads=storage.end_uploads(oldest_s, is_dry),
    )


def _is_over(run_id: str, latest: str) -> bool:
    """Whether a shard began no later than the published run, which then is its night's or came after it."""
    return begun(run_id) <= begun(latest)


def _check_no_run(storage: Storage, oldest_s: float) -> None:
    for run_id, started_at_s in unfinished_runs(storage):
        if started_at_s > oldest_s:
            hours = (time.time() - started_at_s) / _SECONDS_PER_HOUR
            raise StorageError(
                f"{storage.uri}: run {run_id} began {hours:.1f} hours ago and is not complete: wait for it, or, if it "
                "was killed, give --min-age-hours below that"
            )


def _keys_of(storage: Storage, folder: str) -> Iterator[str]:
    """Keys that a run refers to; a run without a table of videos refers to what it narrated."""
    name = VIDEOS_FILE if storage.exists(f"{folder}/{VIDEOS_FILE}") else NARRATIONS_FILE
    path = f"{folder}/{name}"
    try:
        with storage.opened(path) as file:
            for batch in pq.ParquetFile(file).iter_batches(columns=list(_KEY_COLUMNS)):
                for column in _KEY_COLUMNS:
                    yield from batch[column].to_pylist()
    except (pa.ArrowException, KeyError) as error:
        raise SchemaError(f"{storage.path_of(path)}: cannot be read: {error}") from error


def _sweep(storage: Storage, needed: KeySet, oldest_s: float, num_runs: int, is_dry: bool) -> Garbage:
    num_kept = num_young = num_objects = num_bytes = 0
    entries = (entry for folder in _FOLDERS for entry in storage.entries(folder))
    while batch := list(islice(entries, _OBJECTS_PER_REQUEST)):
        unneeded = [entry for entry in batch if _key_of(entry) not in needed]
        old = [entry for entry in unneeded if entry.modified_at_s <= oldest_s]
        num_kept += len(batch) - len(unneeded)
        num_young += len(unneeded) - len(old)
        num_objects += len(old)
        num_bytes += sum(entry.num_bytes for entry in old)
        _remove(storage, old, is_dry)
    return Garbage(num_runs, num_kept, num_young, num_objects, num_bytes)


def _remove(storage: Storage, entries: Sequence[ObjectEntry], is_dry: bool) -> None:
    if entries and not is_dry:
        storage.delete([entry.key for entry in entries])


def _key_of(entry: ObjectEntry) -> str:
    return entry.key.rpartition("/")[2].partition(".")[0]
