"""Arrow schemas of the tables that are written or handed over, and the format of the stored feature object.

Plain or canonical Arrow types only, so that any Arrow reader can open what this project writes without it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from narrator_ray.errors import SchemaError
from narrator_ray.records import Clip

FEATURES_FORMAT = "narrator-ray.features/1"

NARRATIONS = pa.schema(
    [
        ("video_id", pa.string()),
        ("clip_index", pa.int32()),
        ("num_clips", pa.int32()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("script_labels", pa.list_(pa.string())),
        ("label_source", pa.string()),
        ("label_probabilities", pa.list_(pa.struct([("label", pa.string()), ("probability", pa.float64())]))),
        ("narration", pa.string()),
        ("num_words", pa.int32()),
        ("min_words", pa.int32()),
        ("max_words", pa.int32()),
        ("spoken_s", pa.float64()),
        ("min_spoken_s", pa.float64()),
        ("max_spoken_s", pa.float64()),
        ("is_in_window", pa.bool_()),
        ("language", pa.string()),
        ("product_name", pa.string()),
        ("video", pa.string()),
        ("decoder", pa.string()),
        ("notes", pa.list_(pa.string())),
        ("num_frames", pa.int32()),
        ("kept_frames_s", pa.list_(pa.float64())),
        ("model", pa.string()),
        ("model_fingerprint", pa.string()),
        ("key", pa.string()),
        ("features_key", pa.string()),
        ("extra", pa.string()),
    ]
)
"""One row per clip: the published result. ``extra`` is the manifest row's, as JSON."""

REJECTED = pa.schema(
    [
        ("video_id", pa.string()),
        ("video", pa.string()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("key", pa.string()),
        ("attempts", pa.int32()),
        ("first_seen_at", pa.string()),
        ("last_seen_at", pa.string()),
    ]
)
"""One row per video that could not be narrated; times are ISO 8601, UTC."""

VIDEOS = pa.schema(
    [
        ("video_id", pa.string()),
        ("is_narrated", pa.bool_()),
        ("source_version", pa.string()),
        ("row_fingerprint", pa.string()),
        ("features_key", pa.string()),
        ("key", pa.string()),
    ]
)
"""One row per video of a catalogue: what it was made of. The next run compares with it; what a run refers to is kept.
Versions and keys are empty where the file was not found."""

_CARRIED = [("work", pa.string()), ("rejection", pa.string()), ("trace", pa.string())]

PLANNED = pa.schema(_CARRIED)
"""Handed to every stage, one row per video: ``work`` is a WorkItem, ``rejection`` a Rejection or null, ``trace`` a list
of (stage, values of its StageCost), all as JSON. What a stage adds follows; what no later stage needs is dropped."""

SAMPLED = pa.schema(
    [
        *_CARRIED,
        ("frames", pa.large_binary()),
        ("clips", pa.list_(pa.list_(pa.float64()))),
        ("clip_index", pa.list_(pa.int32())),
        ("time_s", pa.list_(pa.float64())),
        ("thumbnails", pa.list_(pa.binary())),
        ("duration_s", pa.float64()),
        ("decoder", pa.string()),
        ("notes", pa.list_(pa.string())),
    ]
)
"""After decoding: ``frames`` is uint8 [T, 3, S, S] in C order; all null where nothing had to be decoded."""

PREPARED = pa.schema(
    [
        *_CARRIED,
        ("clips", pa.list_(pa.list_(pa.float64()))),
        ("tokens", pa.list_(pa.large_binary())),
        ("token_dim", pa.int32()),
        ("position", pa.list_(pa.int32())),
        ("kept_frames_s", pa.list_(pa.list_(pa.float64()))),
        ("num_frames", pa.list_(pa.int32())),
        ("duration_s", pa.float64()),
        ("decoder", pa.string()),
        ("notes", pa.list_(pa.string())),
    ]
)
"""After compression and memory: per clip, ``tokens`` is float16 [N, D] in C order."""


@dataclass(frozen=True, slots=True)
class VideoFeatures:
    """What the vision side knows of one video: its clips and the query tokens of every sampled frame.

    Attributes:
        clips: The clips, in order.
        clip_index_T: int32 [T], the clip of each frame, non-decreasing.
        time_s_T: float64 [T], time of each frame in seconds.
        tokens_TQD: float16 [T, Q, D], query tokens of each frame.
        thumbnails_jpeg: One small JPEG per frame, for the report.
        duration_s: Length of the video in seconds.
        fps: Sampling rate.
        decoder: Which decoder read it.
        encoder_fingerprint: Which encoder wrote it.
        source_version: Version of the video file it was made from.
        notes: Remarks for a reader.
    """

    clips: tuple[Clip, ...]
    clip_index_T: npt.NDArray[np.int32]
    time_s_T: npt.NDArray[np.float64]
    tokens_TQD: npt.NDArray[np.float16]
    thumbnails_jpeg: tuple[bytes, ...]
    duration_s: float
    fps: float
    decoder: str
    encoder_fingerprint: str
    source_version: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frames = len(self.clip_index_T)
        if self.tokens_TQD.ndim != 3 or not frames == len(self.time_s_T) == len(self.tokens_TQD) == len(
            self.thumbnails_jpeg
        ):
            raise SchemaError(f"features: {frames} frames, but tokens have the shape {self.tokens_TQD.shape}")

    def __repr__(self) -> str:
        shape = "x".join(str(n) for n in self.tokens_TQD.shape)
        return f"VideoFeatures({len(self.clips)} clips, tokens {shape}, {self.duration_s:.1f} s, {self.decoder})"

    def frames_of(self, clip_index: int) -> npt.NDArray[np.intp]:
        """Indices into T of the frames of one clip."""
        return np.flatnonzero(self.clip_index_T == clip_index)

    def to_arrow(self) -> bytes:
        """The stored object: one Arrow IPC file, one row per frame, everything else in the schema's metadata."""
        num_frames, num_queries, dim = self.tokens_TQD.shape
        tokens = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(self.tokens_TQD))
        meta = {
            "clips": [[c.start_s, c.end_s] for c in self.clips],
            "duration_s": self.duration_s,
            "fps": self.fps,
            "decoder": self.decoder,
            "encoder_fingerprint": self.encoder_fingerprint,
            "source_version": self.source_version,
            "notes": list(self.notes),
        }
        table = pa.table(
            {
                "clip_index": pa.array(self.clip_index_T, pa.int32()),
                "time_s": pa.array(self.time_s_T, pa.float64()),
                "tokens": tokens,
                "thumbnail_jpeg": pa.array(self.thumbnails_jpeg, pa.binary()),
            }
        ).replace_schema_metadata({"format": FEATURES_FORMAT, "features": json.dumps(meta)})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        data: bytes = sink.getvalue().to_pybytes()
        return data

    @classmethod
    def from_arrow(cls, data: bytes) -> VideoFeatures:
        """Inverse of :meth:`to_arrow`.

        Raises:
            SchemaError: The bytes are not a feature object of this format.
        """
        try:
            table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
            table.validate(full=True)  # damaged offsets would otherwise crash the process that follows them
            metadata = table.schema.metadata or {}
            if metadata.get(b"format", b"").decode() != FEATURES_FORMAT:
                raise SchemaError(f"not a {FEATURES_FORMAT} object: format is {metadata.get(b'format')!r}")
            meta = json.loads(metadata[b"features"])
            tokens = table.column("tokens").combine_chunks()
            return cls(
                clips=tuple(Clip(start, end) for start, end in meta["clips"]),
                clip_index_T=table.column("clip_index").to_numpy(),
                time_s_T=table.column("time_s").to_numpy(),
                tokens_TQD=tokens.to_numpy_ndarray(),
                thumbnails_jpeg=tuple(table.column("thumbnail_jpeg").to_pylist()),
                duration_s=meta["duration_s"],
                fps=meta["fps"],
                decoder=meta["decoder"],
                encoder_fingerprint=meta["encoder_fingerprint"],
                source_version=meta["source_version"],
                notes=tuple(meta["notes"]),
            )
        except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise SchemaError(f"feature object cannot be read: {error}") from error
