"""What was narrated, wherever it stands: a published run, our table, or the output.json of the released code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import ConfigError, SchemaError
from narrator_ray.outputs.tables import iterate_rows, read_narrations
from narrator_ray.records import Clip, Product, ScriptLabel, Video, parse_label
from narrator_ray.runs.published import open_latest
from narrator_ray.storage.storage import Storage

RELEASED_TEXT = "0.1"
"""Under which the released code stores a narration: the temperature it sampled with."""


@dataclass(frozen=True, slots=True)
class NarratedClip:
    """One clip as narrated.

    Attributes:
        video_id: Of the catalogue.
        clip_index: 0-based place in the video.
        text: The narration; None if the source lists the clip without one.
        labels: Script labels that the model chose; None if it chose none.
        clip: Its times; None where the source does not say.
        numbers_all_clips: Whether ``clip_index`` counts clips that the annotators left without narration, too.
    """

    video_id: str
    clip_index: int
    text: str | None
    labels: tuple[ScriptLabel, ...] | None
    clip: Clip | None = None
    numbers_all_clips: bool = False


def read_narrated_clips(source: str, storage: StorageSettings = DEFAULT_STORAGE) -> list[NarratedClip]:
    """The clips of a source, in its order.

    Args:
        source: A directory or s3:// prefix with a published run, a narrations.parquet, or an output.json.
        storage: How S3 is spoken.

    Raises:
        StorageError: It cannot be read, or holds no published run.
        SchemaError: It is no such file.
    """
    if source.endswith(".json"):
        return list(_of_released(_read(source, storage), source))
    return list(_of_table(_table(source, storage)))


def read_videos(source: str, storage: StorageSettings = DEFAULT_STORAGE) -> list[Video]:
    """The videos that a run or a table of ours narrates, with names, clips and where they lie, but no product data.

    Raises:
        ConfigError: The source does not say.
        StorageError: It cannot be read, or holds no published run.
    """
    place = _named(source)[1]
    if place.endswith(".json"):
        raise ConfigError(f"{place}: does not say where the videos lie: give --references CATALOG")
    table = _table(place, storage)
    return [
        Video(
            video_id,
            rows[0]["video"],
            Product(rows[0]["product_name"]),
            rows[0]["language"],
            tuple(Clip(row["start_s"], row["end_s"]) for row in rows),
        )
        for video_id, rows in (
            (key, list(group)) for key, group in groupby(iterate_rows(table), itemgetter("video_id"))
        )
    ]


def read_named(sources: Sequence[str], storage: StorageSettings = DEFAULT_STORAGE) -> dict[str, list[NarratedClip]]:
    """The clips of several sources by their names: ``NAME=SOURCE``, or a source by the last part of its path.

    Raises:
        ConfigError: There are two of one name.
    """
    named = [_named(source) for source in sources]
    doubled = [name for name, count in Counter(name for name, _ in named).items() if count > 1]
    if doubled:
        raise ConfigError(f"two systems are called {doubled[0]!r}: name them, as NAME=RUN_OR_FILE")
    return {name: read_narrated_clips(source, storage) for name, source in named}


def _named(source: str) -> tuple[str, str]:
    name, separator, rest = source.partition("=")
    if separator and "/" not in name:
        return name, rest
    return PurePosixPath(source.rstrip("/")).name or source, source


def _table(source: str, storage: StorageSettings) -> pa.Table:
    if source.endswith(".parquet"):
        return read_narrations(_read(source, storage))
    return open_latest(source, storage).narrations


def _read(source: str, settings: StorageSettings) -> bytes:
    storage, key = Storage.of_file(source, settings)
    return storage.read(key)


def clips_of(table: pa.Table) -> list[NarratedClip]:
    """The clips of a narrations table, in its order."""
    return list(_of_table(table))


def _of_table(table: pa.Table) -> Iterator[NarratedClip]:
    for row in iterate_rows(table):
        is_chosen = row["label_source"] == "generated"
        labels = tuple(map(ScriptLabel, row["script_labels"])) if is_chosen else None
        times = Clip(row["start_s"], row["end_s"])
        yield NarratedClip(row["video_id"], row["clip_index"], row["narration"], labels, times)


def _of_released(data: bytes, source: str) -> Iterator[NarratedClip]:
    try:
        entries = json.loads(data)
    except ValueError as error:
        raise SchemaError(f"{source}: not JSON: {error}") from error
    if not isinstance(entries, Mapping):
        raise SchemaError(f'{source}: expected {{"<video>_<clip>": {{"gt", "label", "out_label", "0.1"}}}}')
    for key, entry in entries.items():
        video_id, _, number = key.rpartition("_")
        if not number.isdecimal() or not isinstance(entry, Mapping):
            raise SchemaError(f"{source}: {key!r}: expected <video>_<clip> with an object of texts")
        text = entry.get(RELEASED_TEXT)
        yield NarratedClip(video_id, int(number), text, _labels(entry.get("out_label")), numbers_all_clips=True)


def _labels(names: Any) -> tuple[ScriptLabel, ...] | None:
    """The labels that a released text names; what is no label is none of them."""
    if not isinstance(names, str):
        return None
    return tuple(label for name in names.split("+") if (label := parse_label(name)) is not None)
