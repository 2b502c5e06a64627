"""Cosine similarity of adjacent vectors, the measure by which compression and memory choose what to merge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_EPSILON = 1e-8

FloatArray = npt.NDArray[np.float32]


def representatives(tokens_TQD: npt.NDArray[np.floating]) -> FloatArray:
    """One vector per frame, float32 [T, D]: the mean of its tokens."""
    means: FloatArray = tokens_TQD.astype(np.float32).mean(axis=1)
    return means


def adjacent_similarities(vectors_TD: FloatArray) -> FloatArray:
    """Cosine similarity of each vector and the next, float32 [T - 1]."""
    norms = np.maximum(np.linalg.norm(vectors_TD, axis=1), _EPSILON)
    similarities: FloatArray = (vectors_TD[:-1] * vectors_TD[1:]).sum(axis=1) / (norms[:-1] * norms[1:])
    return similarities
