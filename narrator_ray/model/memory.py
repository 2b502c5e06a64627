"""Memory consolidation: all frames of all earlier clips, averaged down to a few.

Source: paper, section 4 (visual memory); released code, ``merge`` of get_training_data.py and get_train_en.py with
memory.

The greedy order of merges runs over the frames of all earlier clips at once: a new clip's frames can change which pair
is merged first anywhere, and averages are not weighted by how many frames they stand for. So the memory before clip k+1
is not a function of the memory before clip k, and cannot be made incremental without changing results.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from narrator_ray.model.similarity import adjacent_similarities, representatives


def consolidate_memory(
    tokens_TQD: npt.NDArray[np.floating], num_frames: int = 1, guide_TD: npt.NDArray[np.floating] | None = None
) -> npt.NDArray[np.floating]:
    """Replace the most similar adjacent pair by its plain average until few enough frames are left.

    Averages are taken in float32 and are not weighted. Only the two similarities beside a merge are computed anew.

    Args:
        tokens_TQD: [T, Q, D] float16 or float32, the uncompressed frames of all earlier clips, T >= 1.
        num_frames: How many frames to leave at most; 1 in the released code.
        guide_TD: [T, D'] vectors whose similarity decides, averaged along with the tokens (the released English variant
            takes CLIP vectors). None: the mean of each frame's tokens.

    Returns:
        [min(T, num_frames), Q, D] of the same dtype.
    """
    frames = tokens_TQD.astype(np.float32)
    guide = representatives(tokens_TQD) if guide_TD is None else guide_TD.astype(np.float32)
    alive = np.arange(len(frames))
    similarities = adjacent_similarities(guide)
    while len(alive) > num_frames:
        place = int(similarities.argmax())
        left, right = alive[place], alive[place + 1]
        frames[left] = (frames[left] + frames[right]) / 2
        guide[left] = (guide[left] + guide[right]) / 2
        alive = np.delete(alive, place + 1)
        similarities = np.delete(similarities, place)
        begin = max(place - 1, 0)
        similarities[begin : place + 1] = adjacent_similarities(guide[alive[begin : place + 2]])
    return frames[alive].astype(tokens_TQD.dtype)
