"""All clips of a video in one sequence that is equal to a sample for each clip, and costs a fraction of them.

Samples of a video repeat its head and the texts of earlier clips. Packed, these stand once, as the common text; what is
the clip's own (scene, requirement, label, narration) is a branch of it:

    head  opening 1  [scene 1  answer 1]  told 1  opening 2  [scene 2  answer 2]  told 2  ...  opening N  [scene N ...]

A common token sees the common tokens before it; a branch sees those and itself. Branches have the positions they would
have alone. A clip's text therefore stands twice, as what is learnt with its scene and as what later clips read without.

Source: the sample is the paper's; one sequence a video is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from narrator_ray.errors import ConfigError
from narrator_ray.model.context import ClipContext
from narrator_ray.training.examples import COMMON, IGNORED, Ids, Sample, VideoExample

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def pack(example: VideoExample) -> Sample:
    """All samples of a video in one sequence."""
    return _packed(example, 0, len(example.clips))


def packs(example: VideoExample, most: int) -> list[Sample]:
    """All samples of a video in as few sequences of at most so many tokens as its clips in their order allow.

    A clip whose sample alone is longer comes alone and is longer.
    """
    sequences: list[Sample] = []
    begin = 0
    while begin < len(example.clips):
        ends = range(len(example.clips), begin + 1, -1)
        fitting = (end for end in ends if _packed_length(example, begin, end) <= most)
        end = next(fitting, begin + 1)
        sequences.append(_packed(example, begin, end))
        begin = end
    return sequences


def _packed(example: VideoExample, begin: int, end: int) -> Sample:
    """The clips from ``begin`` to before ``end``; what was told before them is common text."""
    packer = _Packer()
    packer.add_common(example.head)
    for index, clip in enumerate(example.clips[:end]):
        packer.add_common(clip.opening)
        if index >= begin:
            packer.add_branch(index, clip.branch, clip.branch_labels)
        if index + 1 < end:
            packer.add_common(clip.told)
    return packer.sample(tuple(clip.context for clip in example.clips[begin:end]))


def _packed_length(example: VideoExample, begin: int, end: int) -> int:
    told = sum(len(clip.opening) + len(clip.told) for clip in example.clips[: end - 1])
    branches = sum(len(clip.branch) for clip in example.clips[begin:end])
    return len(example.head) + told + len(example.clips[end - 1].opening) + branches


def require_full_attention(config: PreTrainedConfig) -> None:
    """Packed sequences need a model whose tokens see all that is before them.

    Raises:
        ConfigError: The model has sliding windows.
    """
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True):
        raise ConfigError(
            f"the language model ({config.model_type}) sees {window} tokens back, which packed sequences do not keep "
            "to: set training.pack_videos=false"
        )


class _Packer:
    """A sequence in the making."""

    def __init__(self) -> None:
        self._input_ids: list[int] = []
        self._labels: list[int] = []
        self._positions: list[int] = []
        self._branches: list[int] = []
        self._num_common = 0

    def add_common(self, ids: Ids) -> None:
        self._add(ids, (IGNORED,) * len(ids), COMMON)
        self._num_common += len(ids)

    def add_branch(self, index: int, ids: Ids, labels: Ids) -> None:
        self._add(ids, labels, index)

    def sample(self, contexts: tuple[ClipContext, ...]) -> Sample:
        return Sample(
            input_ids=np.array(self._input_ids, np.int64),
            labels=np.array(self._labels, np.int64),
            positions=np.array(self._positions, np.int64),
            branches=np.array(self._branches, np.int64),
            contexts=contexts,
        )

    def _add(self, ids: Ids, labels: Ids, branch: int) -> None:
        self._input_ids += ids
        self._labels += labels
        self._positions += range(self._num_common, self._num_common + len(ids))
        self._branches += [branch] * len(ids)


def attention_mask(branches_BL: Tensor, is_token_BL: Tensor) -> Tensor:
    """Which tokens each token sees, boolean [B, 1, L, L]; padding sees itself only and is seen by nobody.

    Args:
        branches_BL: [B, L] the clip that alone sees a token, or ``COMMON``.
        is_token_BL: [B, L] false where a row is padded.
    """
    length = branches_BL.shape[1]
    is_before = torch.ones(length, length, dtype=torch.bool, device=branches_BL.device).tril()
    is_common = branches_BL[:, None, :] == COMMON
    is_own = branches_BL[:, None, :] == branches_BL[:, :, None]
    is_seen = is_before & (is_common | is_own) & is_token_BL[:, None, :] & is_token_BL[:, :, None]
    return (is_seen | torch.eye(length, dtype=torch.bool, device=branches_BL.device))[:, None]


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What the cost of a language model depends on.

    Attributes:
        num_weights: Weights that every token is multiplied with.
        width: Width of all attention heads together.
        num_layers: Layers with attention.
    """

    num_weights: int
    width: int
    num_layers: int


def forward_flops(lengths: Sequence[int], shape: ModelShape, is_packed: bool) -> float:
    """Floating point operations of one pass over sequences, in which training's other passes are multiples.

    Args:
        lengths: Tokens of each sequence.
        shape: The model.
        is_packed: Packed sequences pay for every pair of tokens, masked or not; a causal kernel pays for half of them.
    """
    num_pairs = sum(length**2 for length in lengths) / (1 if is_packed else 2)
    return 2.0 * shape.num_weights * sum(lengths) + 4.0 * shape.width * shape.num_layers * num_pairs
