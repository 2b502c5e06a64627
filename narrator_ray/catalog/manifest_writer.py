"""Videos to a catalogue file that :func:`narrator_ray.catalog.manifest.read_manifest` reads back as equal videos.

Knows nothing of where videos come from, and does not check them: reading does.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from narrator_ray.catalog.rows import FIELDS
from narrator_ray.errors import ManifestError, ManifestProblem
from narrator_ray.records import JsonDict, Video
from narrator_ray.storage.storage import Storage


def write_manifest(videos: Sequence[Video], path_or_uri: str) -> None:
    """Write a catalogue, whole or not at all, in place of an earlier one.

    Products are written with their knowledge grouped by category, as reading groups it.

    Args:
        videos: One row each, in this order.
        path_or_uri: Local path, ``file://`` or ``s3://`` URI. Its extension says the format: .jsonl or .ndjson, .csv
            (nested values as JSON cells) or .parquet (nested columns; ``extra``, whose shape is free, as JSON).

    Raises:
        ManifestError: The extension is none of these, or there are no videos.
        StorageError: The file cannot be written.
    """
    suffix = PurePosixPath(path_or_uri).suffix.lower()
    if suffix not in _WRITERS:
        message = f"the extension {suffix!r} is not known: name it {', '.join(_WRITERS)}"
        raise ManifestError(path_or_uri, [ManifestProblem(None, "", message)])
    if not videos:
        raise ManifestError(path_or_uri, [ManifestProblem(None, "", "there are no videos to write")])
    storage, key = Storage.of_file(path_or_uri)
    storage.write(key, _WRITERS[suffix]([video.to_json() for video in videos]))


def _jsonl(rows: list[JsonDict]) -> bytes:
    lines = (_json({field: value for field, value in row.items() if value is not None}) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def _csv(rows: list[JsonDict]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(FIELDS)
    writer.writerows([_cell(row[field]) for field in FIELDS] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return _json(value)


def _parquet(rows: list[JsonDict]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.list_(pa.string())
    knowledge = pa.list_(pa.struct([("category", pa.string()), ("points", texts)]))
    schema = pa.schema(
        [
            ("video_id", pa.string()),
            ("video", pa.string()),
            ("product", pa.struct([("name", pa.string()), ("knowledge", knowledge)])),
            ("clips", pa.list_(pa.struct([("start_s", pa.float64()), ("end_s", pa.float64())]))),
            ("storyline", pa.list_(texts)),
            ("narrations", texts),
            ("word_ranges", pa.list_(pa.list_(pa.int64()))),
            ("language", pa.string()),
            ("adapter", pa.string()),
            ("extra", pa.string()),
        ]
    )
    cells = [{**row, "extra": _json(row["extra"])} for row in rows]
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(cells, schema=schema), data)
    return data.getvalue()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


_WRITERS: dict[str, Callable[[list[JsonDict]], bytes]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _csv,
    ".parquet": _parquet,
}
