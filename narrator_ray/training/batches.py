"""Samples to tensors that a narrator reads: padded on the right, with the mask that their branches ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from narrator_ray.model.narrator import VideoNarrator, as_tensor
from narrator_ray.training.examples import COMMON, IGNORED, IdArray, Sample
from narrator_ray.training.packing import attention_mask


@dataclass(frozen=True, slots=True, eq=False)
class TensorBatch:
    """Samples side by side.

    Attributes:
        input_ids: [B, L].
        labels: [B, L], ``IGNORED`` where no loss counts.
        positions: [B, L].
        mask: [B, L] where no sample has branches, else [B, 1, L, L]; boolean, true where a token is seen.
        scenes: Visual tokens [N, D] and position of every scene line, in reading order.
    """

    input_ids: Tensor
    labels: Tensor
    positions: Tensor
    mask: Tensor
    scenes: tuple[tuple[Tensor, int | None], ...]

    @classmethod
    def of(cls, samples: Sequence[Sample], pad_id: int) -> Self:
        """Collate samples."""
        length = max(len(sample.input_ids) for sample in samples)
        lengths = torch.tensor([len(sample.input_ids) for sample in samples])
        is_token = torch.arange(length) < lengths[:, None]
        branches = _padded([sample.branches for sample in samples], length, COMMON)
        has_branches = bool((branches != COMMON).any())
        return cls(
            input_ids=_padded([sample.input_ids for sample in samples], length, pad_id),
            labels=_padded([sample.labels for sample in samples], length, IGNORED),
            positions=_padded([sample.positions for sample in samples], length, 0),
            mask=attention_mask(branches, is_token) if has_branches else is_token,
            scenes=tuple(
                (as_tensor(context.tokens_ND), context.position) for sample in samples for context in sample.contexts
            ),
        )

    @property
    def num_supervised(self) -> int:
        """Tokens that count in the loss."""
        return int((self.labels != IGNORED).sum())

    @property
    def num_tokens(self) -> int:
        """Tokens through the model, padding included."""
        return self.input_ids.numel()


def summed_loss(narrator: VideoNarrator, batch: TensorBatch) -> Tensor:
    """Cross entropy of the supervised tokens, summed: divide by how many there are in all that makes one step.

    Scores are computed only for the columns that some row needs.
    """
    device = narrator.device
    visual = [narrator.embed_visual(tokens, position) for tokens, position in batch.scenes]
    embedded = narrator.embed(batch.input_ids, visual)
    targets = batch.labels[:, 1:].to(device)
    columns = (targets != IGNORED).any(dim=0).nonzero()[:, 0]
    output = narrator(
        embedded,
        batch.mask.to(device),
        position_ids=batch.positions.to(device),
        use_cache=False,
        logits_to_keep=columns,
    )
    loss: Tensor = torch.nn.functional.cross_entropy(
        output.logits.flatten(0, 1).float() if output.logits.dtype.itemsize < 4 else output.logits.flatten(0, 1),
        targets[:, columns].flatten(),
        ignore_index=IGNORED,
        reduction="sum",
    )
    return loss


def _padded(rows: Sequence[IdArray], length: int, value: int) -> Tensor:
    padded = torch.full((len(rows), length), value)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = torch.from_numpy(values)
    return padded
