"""Samples as tensors: padded, masked, with every scene in reading order."""

import numpy as np
import torch

from narrator_ray.training.batches import TensorBatch
from narrator_ray.training.examples import COMMON, IGNORED, Sample


def sample(branches: list[int], positions: list[int]) -> Sample:
    """Tokens 1, 2, 3 … with the last one supervised."""
    ids = np.arange(1, len(branches) + 1)
    labels = np.where(ids == len(ids), ids, IGNORED)
    return Sample(ids, labels, np.array(positions), np.array(branches), ())


def test_plain_samples_get_a_mask_of_tokens():
    """Two dimensions, which every attention kernel takes."""
    batch = TensorBatch.of([sample([COMMON] * 3, [0, 1, 2]), sample([COMMON], [0])], pad_id=9)
    assert batch.input_ids.tolist() == [[1, 2, 3], [1, 9, 9]]
    assert batch.labels.tolist() == [[IGNORED, IGNORED, 3], [1, IGNORED, IGNORED]]
    assert batch.mask.tolist() == [[True, True, True], [True, False, False]]
    assert (batch.num_supervised, batch.num_tokens) == (2, 6)


def test_branches_see_the_common_text_before_them_and_themselves():
    """Common, branch 0, common, branch 1, padding: who sees whom, row by row."""
    batch = TensorBatch.of([sample([COMMON, 0, COMMON, 1, 1], [0, 1, 1, 2, 3]), sample([COMMON] * 6, range(6))], 0)
    expected = [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 0, 1, 0, 0, 0],
        [1, 0, 1, 1, 0, 0],
        [1, 0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]
    assert batch.mask.shape == (2, 1, 6, 6)
    assert batch.mask[0, 0].int().tolist() == expected
    assert torch.equal(batch.mask[1, 0], torch.ones(6, 6, dtype=torch.bool).tril())
    assert batch.positions[0].tolist() == [0, 1, 1, 2, 3, 0]
