"""Time to prepare a video's contexts: this project's functions beside a word-for-word transcription of the algorithm.

Run: python benchmarks/context.py

The transcription recomputes every similarity after every step and starts the memory of every clip from nothing, as the
published description reads. Both are timed in turn in one process, on one thread; equality of the results is checked.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from narrator_ray.config import ModelSettings
from narrator_ray.model.context import prepare_context
from narrator_ray.records import Clip
from narrator_ray.schema import VideoFeatures

FRAMES_PER_CLIP = 4
QUERIES, DIM = 32, 768
ROUNDS = 5
Array = npt.NDArray[np.float32]


def video(num_clips: int) -> VideoFeatures:
    """Features of a video whose frames drift as real ones do."""
    rng = np.random.default_rng(num_clips)
    num_frames = num_clips * FRAMES_PER_CLIP
    drift = rng.standard_normal((num_frames, QUERIES, DIM)).cumsum(axis=0) * 0.2
    tokens = (drift + rng.standard_normal((1, QUERIES, DIM))).astype(np.float16)
    return VideoFeatures(
        clips=tuple(Clip(index * FRAMES_PER_CLIP, (index + 1) * FRAMES_PER_CLIP) for index in range(num_clips)),
        clip_index_T=np.repeat(np.arange(num_clips, dtype=np.int32), FRAMES_PER_CLIP),
        time_s_T=np.arange(num_frames) + 0.5,
        tokens_TQD=tokens,
        thumbnails_jpeg=(b"",) * num_frames,
        duration_s=float(num_frames),
        fps=1.0,
        decoder="none",
        encoder_fingerprint="",
        source_version="",
    )


def cosine(a: Array, b: Array) -> float:
    """Cosine similarity of two vectors."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def similarities(vectors: list[Array]) -> list[float]:
    """Of every vector and the next."""
    return [cosine(left, right) for left, right in pairwise(vectors)]


def transcribed_compression(frames: Array) -> Array:
    """Drop the right frame of the most similar pair while it is at least 0.9."""
    left = list(frames)
    while len(left) > 1:
        found = similarities([frame.mean(axis=0) for frame in left])
        if max(found) < 0.9:
            break
        del left[found.index(max(found)) + 1]
    return np.stack(left)


def transcribed_memory(frames: Array) -> Array:
    """Average the most similar pair until one frame is left."""
    left = list(frames)
    while len(left) > 1:
        found = similarities([frame.mean(axis=0) for frame in left])
        best = found.index(max(found))
        left[best : best + 2] = [(left[best] + left[best + 1]) / 2]
    return np.stack(left)


def transcribed(features: VideoFeatures) -> list[Array]:
    """Tokens of every clip."""
    tokens = features.tokens_TQD.astype(np.float32)
    contexts = []
    for index in range(len(features.clips)):
        own = features.frames_of(index)
        parts = [transcribed_compression(tokens[own])]
        if index:
            parts.insert(0, transcribed_memory(tokens[: own[0]]))
        contexts.append(np.concatenate(parts).reshape(-1, DIM))
    return contexts


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Print a table: clips, milliseconds a video each way, and their ratio."""
    print(f"{'clips':>5} {'frames':>6} {'ours ms':>9} {'transcribed ms':>15} {'ratio':>6}")
    for num_clips in (7, 15, 60):
        features, settings = video(num_clips), ModelSettings()
        for ours, theirs in zip(prepare_context(features, settings), transcribed(features), strict=True):
            np.testing.assert_allclose(ours.tokens_ND, theirs, atol=2e-3)
        pairs = [
            (seconds(lambda: prepare_context(features, settings)), seconds(lambda: transcribed(features)))
            for _ in range(ROUNDS)
        ]
        ours_s, theirs_s = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(theirs / ours for ours, theirs in pairs)
        frames = num_clips * FRAMES_PER_CLIP
        print(f"{num_clips:5} {frames:6} {ours_s * 1e3:9.1f} {theirs_s * 1e3:15.1f} {ratio:6.1f}")


if __name__ == "__main__":
    main()
