"""Samples on storage: one Arrow object per video, named by what they are made of, and read when their turn comes.

    training/samples/<kk>/<key>.arrow    one row per sample: tokens, labels, positions, branches, visual tokens
    training/samples/<kk>/<key>.json     how long they are, which is all that their order depends on; written last

Why not a Ray Data iterator: a training must come to the same batches in the same order after a worker, a node or the
driver was lost, and with other numbers of workers. Iterators over shards know neither. So Ray Data builds the samples,
once, in parallel and with the care of every other stage; workers then read what the common order gives them.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import overload

import numpy as np
import pyarrow as pa

from narrator_ray.config import Config
from narrator_ray.errors import SchemaError
from narrator_ray.model.context import ClipContext
from narrator_ray.narration.prompt import PROMPT_VERSION
from narrator_ray.outputs.key_set import KeySet
from narrator_ray.outputs.keys import content_key, row_fingerprint
from narrator_ray.runs.work import Fingerprints, WorkItem
from narrator_ray.storage.storage import Storage
from narrator_ray.training.examples import Sample

SAMPLES_FORMAT = "narrator-ray.samples/1"
_FOLDER = "training/samples"
_METADATA_THREADS = 32
_VIDEOS_HELD = 64
_IDS = pa.list_(pa.int32())
_SCENES = pa.list_(pa.struct([("tokens", pa.large_binary()), ("position", pa.int32())]))
_SAMPLES = pa.schema(
    [("input_ids", _IDS), ("labels", _IDS), ("positions", _IDS), ("branches", _IDS), ("scenes", _SCENES)]
)
_FIELDS = ("input_ids", "labels", "positions", "branches")


def samples_key(work: WorkItem, config: Config, fingerprints: Fingerprints) -> str:
    """Name of a video's samples: features, what its row says, and the settings that turn them into tokens."""
    training = config.training
    return content_key(
        SAMPLES_FORMAT,
        features=work.features_key,
        row=row_fingerprint(work.video),
        model=config.model.model_dump(mode="json", include=_SEEN_BY_MODEL),
        length=config.length.model_dump(mode="json"),
        narrator=fingerprints.narrator,
        prompt=PROMPT_VERSION,
        packed=training.pack_videos,
        limits=[training.max_tokens, training.batch_tokens],
    )


_SEEN_BY_MODEL = {
    "compression_threshold",
    "memory_frames",
    "use_storyline",
    "use_position",
    "use_compression",
    "memory",
}


@dataclass(frozen=True, slots=True)
class SampleStore:
    """Samples under one storage. Pickles.

    Attributes:
        storage: The output of a run.
    """

    storage: Storage

    def put(self, key: str, samples: Sequence[Sample]) -> None:
        """Store a video's samples unless they are there.

        Raises:
            StorageError: They cannot be written.
        """
        lengths = [len(sample.input_ids) for sample in samples]
        self.storage.write_if_absent(_path(key, "arrow"), samples_to_arrow(samples))
        self.storage.write_if_absent(_path(key, "json"), json.dumps({"lengths": lengths}).encode())

    def has(self, key: str) -> bool:
        """Whether a video's samples are there in full."""
        return self.storage.exists(_path(key, "json"))

    def known(self) -> KeySet:
        """Names of all samples that are there in full, found by listing."""
        names = (path.rpartition("/")[2] for path in self.storage.keys(_FOLDER))
        return KeySet(name.removesuffix(".json") for name in names if name.endswith(".json"))

    def lengths(self, keys: Sequence[str]) -> list[list[int]]:
        """Tokens of every sample of each of these videos.

        Raises:
            StorageError: Some are not there.
        """
        with ThreadPoolExecutor(_METADATA_THREADS) as threads:
            records = threads.map(lambda key: json.loads(self.storage.read(_path(key, "json"))), keys)
            return [list(record["lengths"]) for record in records]

    def get(self, key: str) -> list[Sample]:
        """A video's samples.

        Raises:
            StorageError: They are not there or cannot be read.
            SchemaError: The object is damaged.
        """
        try:
            return samples_from_arrow(self.storage.read(_path(key, "arrow")))
        except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
            where = self.storage.path_of(_path(key, "arrow"))
            detail = f"{where}: damaged ({error}): delete it and its .json, the next run makes both"
            raise SchemaError(detail) from error


class StoredSamples(Sequence[Sample]):
    """Samples of many videos, each read when it is asked for; those of the last videos are held.

    Args:
        store: Where they are.
        places: Key of the video and place among its samples, for every sample.
    """

    def __init__(self, store: SampleStore, places: Sequence[tuple[str, int]]) -> None:
        self._store = store
        self._places = places
        self._held: OrderedDict[str, list[Sample]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        key, row = self._places[index]
        if key not in self._held:
            self._held[key] = self._store.get(key)
            while len(self._held) > _VIDEOS_HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        return self._held[key][row]


def samples_to_arrow(samples: Sequence[Sample]) -> bytes:
    """One Arrow IPC file, one row per sample; visual tokens are float16 in C order, their width in the metadata."""
    rows = [
        {field: getattr(sample, field).astype(np.int32) for field in _FIELDS}
        | {"scenes": [{"tokens": c.tokens_ND.tobytes(), "position": c.position} for c in sample.contexts]}
        for sample in samples
    ]
    dim = next((context.tokens_ND.shape[1] for sample in samples for context in sample.contexts), 0)
    schema = _SAMPLES.with_metadata({"format": SAMPLES_FORMAT, "dim": str(dim)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def samples_from_arrow(data: bytes) -> list[Sample]:
    """Inverse of :func:`samples_to_arrow`.

    Raises:
        ArrowException, ValueError, KeyError, TypeError: The bytes are not such a file.
    """
    table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
    table.validate(full=True)
    metadata = table.schema.metadata or {}
    if metadata.get(b"format", b"").decode() != SAMPLES_FORMAT:
        raise ValueError(f"format is {metadata.get(b'format')!r}")
    dim = int(metadata[b"dim"])
    columns = {field: [row.values.to_numpy().astype(np.int64) for row in table[field]] for field in _FIELDS}
    scenes = table["scenes"].to_pylist()
    return [
        Sample(
            input_ids=columns["input_ids"][row],
            labels=columns["labels"][row],
            positions=columns["positions"][row],
            branches=columns["branches"][row],
            contexts=tuple(_context(scene, dim) for scene in scenes[row]),
        )
        for row in range(table.num_rows)
    ]


def _context(scene: dict[str, object], dim: int) -> ClipContext:
    tokens, position = scene["tokens"], scene["position"]
    assert isinstance(tokens, bytes) and (position is None or isinstance(position, int))
    return ClipContext(np.frombuffer(tokens, np.float16).reshape(-1, dim), position, ())


def _path(key: str, suffix: str) -> str:
    return f"{_FOLDER}/{key[:2]}/{key}.{suffix}"
