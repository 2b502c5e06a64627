"""E-SyncVidStory to a catalogue: Chinese product videos with clips, script labels and narrations.

Comes in two formats, told apart by what is inside: ``all_video_data.json``, an object of videos with annotated times,
and ``test.json``/``train.json``, a list of prompts. Both give the same videos; only the second has length windows.

imported = import_esyncvidstory("all_video_data.json", "s3://bucket/videos")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from narrator_ray.catalog.columns import parse_json
from narrator_ray.catalog.fields import is_list, kind_of
from narrator_ray.catalog.importers.annotated import read_annotated
from narrator_ray.catalog.importers.imported import CatalogImport, ImportedCatalog, OnMissing
from narrator_ray.catalog.importers.prompted import read_prompted
from narrator_ray.catalog.importers.source_video import row_of
from narrator_ray.errors import ManifestError, ManifestProblem
from narrator_ray.storage.storage import Storage

_FORMATS = 'all_video_data.json, {"<id>.mp4": {p_name, p_info, frames}}, or test.json, [{"inputs", "id", "images"}]'


def import_esyncvidstory(file: str, videos: str, on_missing: OnMissing = "keep") -> ImportedCatalog:
    """The videos of a file of the data set.

    Clips become the narrated ones of the annotation, made to follow each other where they overlap or have no length.
    ``extra`` holds what has no field, and ``extra["original"]`` the source's values where a field says less.

    Args:
        file: Local path, ``file://`` or ``s3://`` URI of either format.
        videos: Folder or URI prefix with a video file for every id, at any depth and with any usual extension.
        on_missing: Whether videos without file are kept, dropped, or not looked for.

    Raises:
        ManifestError: Entries are malformed; every problem of every entry is listed.
        StorageError: The file cannot be read, or the videos' folder not listed.
    """
    catalog = CatalogImport(file, videos, on_missing)
    data = _read_json(file)
    if isinstance(data, Mapping) and data:
        _add_annotated(data, catalog)
    elif is_list(data) and data:
        _add_prompted(data, catalog)
    else:
        raise _unusable(file, f"expected {_FORMATS}; got {'nothing in it' if data in ({}, []) else kind_of(data)}")
    return catalog.finish()


def _add_annotated(data: Mapping[str, object], catalog: CatalogImport) -> None:
    for number, (key, entry) in enumerate(data.items(), start=1):
        report = catalog.reporter(number, key)
        video = read_annotated(key, entry, report)
        if video is not None:
            catalog.add(number, row_of(video), report)


def _add_prompted(data: object, catalog: CatalogImport) -> None:
    for number, entry in enumerate(data if is_list(data) else (), start=1):
        name = str(entry.get("id", "")) if isinstance(entry, Mapping) else ""
        report = catalog.reporter(number, name)
        if not isinstance(entry, Mapping):
            report("", f"expected an object {{inputs, id, frames, images, p_info}}, got {kind_of(entry)}")
            continue
        video = read_prompted(entry, report)
        if video is not None:
            catalog.add(number, row_of(video), report)


def _read_json(file: str) -> object:
    storage, key = Storage.of_file(file)
    with _explained(file):
        return parse_json(storage.read(key).decode("utf-8-sig"))


@contextmanager
def _explained(file: str) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise _unusable(file, f"byte {error.start + 1} is not UTF-8: save the file as UTF-8") from error
    except ValueError as error:
        raise _unusable(file, str(error)) from error


def _unusable(file: str, message: str) -> ManifestError:
    return ManifestError(file, [ManifestProblem(None, "", message)])
