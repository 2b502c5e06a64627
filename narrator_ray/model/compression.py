"""Visual compression: near-duplicate frames of the clip that is being narrated are dropped.

Source: paper, section 4 (visual compression); released code, ``merge`` of get_training_data.py without memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from narrator_ray.model.similarity import adjacent_similarities, representatives


def compress_frames(
    tokens_TQD: npt.NDArray[np.floating], threshold: float = 0.9
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.intp]]:
    """Drop the right frame of the most similar adjacent pair until no pair is that similar.

    Similarity is the cosine of the frames' mean tokens, computed in float32. The frame that stays is unchanged, nothing
    is averaged, and its similarity to its new neighbour is computed anew. One frame always stays.

    Args:
        tokens_TQD: [T, Q, D] float16 or float32, the frames of one clip, T >= 1.
        threshold: Pairs at least this similar lose their right frame.

    Returns:
        The frames kept, [K, Q, D] of the same dtype, and their indices, [K], ascending.
    """
    vectors_TD = representatives(tokens_TQD)
    kept = np.arange(len(tokens_TQD))
    similarities = adjacent_similarities(vectors_TD)
    while len(kept) > 1:
        left = int(similarities.argmax())
        if similarities[left] < threshold:
            break
        kept = np.delete(kept, left + 1)
        similarities = np.delete(similarities, left)
        if left < len(similarities):
            similarities[left] = adjacent_similarities(vectors_TD[kept[left : left + 2]])[0]
    return tokens_TQD[kept], kept
