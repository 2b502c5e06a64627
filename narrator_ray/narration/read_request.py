"""What a story asks for: tokens to be read; and how alike two texts begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Read:
    """A request to read tokens.

    Attributes:
        ids: [T] token ids, with placeholders where visual tokens stand.
        visual: [N, H] embeddings for the placeholders, if any.
        keep: Length to which the document is cut back before; None keeps it all.
        num_shareable: With the first read of a document: tokens at its beginning that are plain text and will not be
            cut, so that another document which begins alike can share them.
        score_at: [K] places in ``ids`` after which scores are wanted; not among the shareable ones.
        adapter: Name of the adapter that the document is read with; None reads it with the model alone.
    """

    ids: tuple[int, ...]
    visual: Tensor | None = None
    keep: int | None = None
    num_shareable: int = 0
    score_at: tuple[int, ...] = (-1,)
    adapter: str | None = None


def num_equal(one: Sequence[object], other: Sequence[object]) -> int:
    """Length of the beginning that two sequences share."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
