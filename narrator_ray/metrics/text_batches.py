"""Vectors of many texts, some at a time: texts of like length together, so that little is padded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def embed_in_batches(texts: Sequence[str], batch_texts: int, embed: Callable[[list[str]], Vectors]) -> Vectors:
    """float32 [N, D], every vector of length 1, in the order of the texts.

    Args:
        texts: N >= 1 texts; equal ones are computed once.
        batch_texts: Texts computed at once.
        embed: Vectors [n, D] of so many texts, of any length.
    """
    different = sorted(set(texts), key=len)
    batches = [embed(different[start : start + batch_texts]) for start in range(0, len(different), batch_texts)]
    vectors_ND = np.concatenate(batches)
    vectors_ND /= np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    place = {text: row for row, text in enumerate(different)}
    return vectors_ND[[place[text] for text in texts]]
