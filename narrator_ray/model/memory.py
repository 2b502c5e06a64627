"""Memory consolidation: all frames of all earlier clips, averaged down to a few.

Source: paper, section 4 (visual memory); released code, ``merge`` of get_training_data.py and get_train_en.py with
memory.

The memory before clip k+1 is not a function of the memory before clip k. The greedy order runs over the frames of all
earlier clips at once, so a new clip's first frame may join the old clips' last one before anything else is merged; and
averages do not weigh how many frames they stand for, so a frame's share of the result depends on that order. Building
one memory on the other would therefore give other tokens than the released code does. What all memories of a video do
share is prepared once: the frames' mean tokens, which decide the order (``guide_TD``), and the tokens in float32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from narrator_ray.model.similarity import FloatArray, adjacent_similarities, representatives


def consolidate_memory(
    tokens_TQD: npt.NDArray[np.floating], num_frames: int = 1, guide_TD: npt.NDArray[np.floating] | None = None
) -> npt.NDArray[np.floating]:
    """Replace the most similar adjacent pair by its plain average until few enough frames are left.

    Everything is computed in float32, also for float16 tokens (the released code rounds each average to the tokens' own
    type; results differ by that rounding). The first of equally similar pairs is merged first.

    Args:
        tokens_TQD: [T, Q, D] float16 or float32, the uncompressed frames of all earlier clips, T >= 1.
        num_frames: How many frames to leave at most, >= 1; 1 in the released code.
        guide_TD: [T, D'] vectors whose similarity decides, averaged along with the tokens (the released English variant
            takes CLIP vectors). None: the mean of each frame's tokens.

    Returns:
        [min(T, num_frames), Q, D] of the same dtype.
    """
    guide = representatives(tokens_TQD) if guide_TD is None else guide_TD.astype(np.float32)
    shares_FT = _shares(guide, num_frames)
    memory_FQD = np.tensordot(shares_FT, tokens_TQD.astype(np.float32, copy=False), axes=1)
    return memory_FQD.astype(tokens_TQD.dtype, copy=False)


def _shares(guide_TD: FloatArray, num_frames: int) -> FloatArray:
    """The share of each of T frames in each frame that is left, [F, T]; overwrites the guide.

    Merging shares instead of tokens touches T numbers a step, not Q x D; only the two similarities beside a merge are
    computed anew.
    """
    shares = np.eye(len(guide_TD), dtype=np.float32)
    left_over = np.arange(len(guide_TD))
    similarities = adjacent_similarities(guide_TD)
    while len(left_over) > num_frames:
        place = int(similarities.argmax())
        left, right = left_over[place], left_over[place + 1]
        for merged in (guide_TD, shares):
            merged[left] = (merged[left] + merged[right]) / 2
        left_over = np.delete(left_over, place + 1)
        similarities = np.delete(similarities, place)
        begin = max(place - 1, 0)
        similarities[begin : place + 1] = adjacent_similarities(guide_TD[left_over[begin : place + 2]])
    return shares[left_over]
