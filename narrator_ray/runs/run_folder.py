"""Where runs lie in an output, which of them are published, and which is the newest.

OUT/runs/<run_id>/started.json       written when the run begins its work
OUT/runs/<run_id>/run.json           written when all its other files are there: with it the run is complete
OUT/shards/<night>/<i>-of-<n>/<run_id>/...     likewise, of a run that has a shard of the catalogue only
OUT/latest.json                      names the run that was completed last
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from narrator_ray.catalog.shard import Shard
from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.records import JsonDict
from narrator_ray.storage.storage import Storage

LATEST = "latest.json"
STARTED = "started.json"
RECORD = "run.json"
SHARDS = "shards"
_RUNS = "runs"
_FOLDERS = ("features", "narrations", "training", _RUNS, SHARDS)


def run_folder(run_id: str) -> str:
    """Where a run of a whole catalogue lies."""
    return f"{_RUNS}/{run_id}"


def run_path(run_id: str, name: str) -> str:
    """Key of one file of such a run."""
    return f"{run_folder(run_id)}/{name}"


def shard_folder(night: str, shard: Shard, run_id: str) -> str:
    """Where a run of a shard lies."""
    return f"{SHARDS}/{night}/{shard.name}/{run_id}"


def begun(run_id: str) -> str:
    """When a run began, in a form that sorts: the first part of its name."""
    return run_id.partition("-")[0]


def latest_run_id(storage: Storage) -> str:
    """Name of the newest published run.

    Raises:
        StorageError: Nothing has been published there.
    """
    if not storage.exists(LATEST):
        raise StorageError(
            f"{storage.uri}: no published run here; run `narrator-ray narrate CATALOG --out {storage.uri}`"
        )
    try:
        run_id = json.loads(storage.read(LATEST))["run_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(f"{storage.path_of(LATEST)}: not a record of a published run: {error}") from error
    return str(run_id)


def complete_runs(storage: Storage) -> list[str]:
    """Names of all complete runs of whole catalogues, the newest first."""
    return sorted((_name_of(folder) for folder in folders_with(storage, RECORD, _RUNS)), reverse=True)


def unfinished_runs(storage: Storage) -> Iterator[tuple[str, float]]:
    """Runs that began and are not complete, with the Unix time at which they began: under way, or killed."""
    for top in (_RUNS, SHARDS):
        complete = folders_with(storage, RECORD, top)
        for entry in storage.entries(top):
            folder, _, name = entry.key.rpartition("/")
            if name == STARTED and folder not in complete:
                yield _name_of(folder), entry.modified_at_s


def clean_up(storage: Storage) -> None:
    """Remove what killed processes left half-written in an output.

    Raises:
        StorageError: It cannot be listed or written.
    """
    storage.remove_abandoned(_FOLDERS)


def read_record(storage: Storage, folder: str) -> JsonDict:
    """What the run in a folder says of itself.

    Raises:
        SchemaError: It cannot be read.
    """
    path = f"{folder}/{RECORD}"
    try:
        record = json.loads(storage.read(path))
    except ValueError as error:
        raise SchemaError(f"{storage.path_of(path)}: not a record of a published run: {error}") from error
    if not isinstance(record, dict):
        raise SchemaError(f"{storage.path_of(path)}: not a record of a published run")
    return record


def folders_with(storage: Storage, name: str, top: str) -> set[str]:
    """Folders below another that hold a file of that name."""
    paths = (key.rpartition("/") for key in storage.keys(top))
    return {folder for folder, _, file in paths if file == name}


def _name_of(folder: str) -> str:
    return folder.rpartition("/")[2]
