"""Where runs lie in an output, which of them are published, and which is the newest.

OUT/runs/<run_id>/started.json    written when the run begins its work
OUT/runs/<run_id>/run.json        written when all its other files are there: with it the run is complete
OUT/latest.json                   names the run that was completed last
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.records import JsonDict
from narrator_ray.storage.storage import Storage

LATEST = "latest.json"
STARTED = "started.json"
RECORD = "run.json"
_RUNS = "runs"
_FOLDERS = ("features", "narrations", "training", _RUNS)


def run_path(run_id: str, name: str) -> str:
    """Key of one file of a run."""
    return f"{_RUNS}/{run_id}/{name}"


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
    """Names of all complete runs, the newest first."""
    return sorted(_runs_with(storage, RECORD), reverse=True)


def unfinished_runs(storage: Storage) -> Iterator[tuple[str, float]]:
    """Runs that began and are not complete, with the Unix time at which they began: under way, or killed."""
    complete = _runs_with(storage, RECORD)
    for entry in storage.entries(_RUNS):
        _, run_id, name = entry.key.split("/", 2)
        if name == STARTED and run_id not in complete:
            yield run_id, entry.modified_at_s


def clean_up(storage: Storage) -> None:
    """Remove what killed processes left half-written in an output.

    Raises:
        StorageError: It cannot be listed or written.
    """
    storage.remove_abandoned(_FOLDERS)


def read_record(storage: Storage, run_id: str) -> JsonDict:
    """What a run says of itself.

    Raises:
        SchemaError: It cannot be read.
    """
    path = run_path(run_id, RECORD)
    try:
        record = json.loads(storage.read(path))
    except ValueError as error:
        raise SchemaError(f"{storage.path_of(path)}: not a record of a published run: {error}") from error
    if not isinstance(record, dict):
        raise SchemaError(f"{storage.path_of(path)}: not a record of a published run")
    return record


def _runs_with(storage: Storage, name: str) -> set[str]:
    paths = (key.split("/") for key in storage.keys(_RUNS))
    return {parts[1] for parts in paths if len(parts) == 3 and parts[2] == name}
