"""Vectors of many texts, of which many are equal: each is embedded once, and all that are wanted together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class TextVectors:
    """What an encoder makes of texts, kept.

    Args:
        embed: [N, D] of N >= 1 texts.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Vectors]) -> None:
        self._embed = embed
        self._known: dict[str, Vectors] = {}

    def read(self, texts: Iterable[str]) -> None:
        """Embed those that are not known yet."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embed(new), strict=True))

    def of(self, texts: Sequence[str]) -> Vectors:
        """[n, D] in the order of the texts; D is 0 where no text is known at all."""
        self.read(texts)
        if not texts:
            return np.empty((0, len(next(iter(self._known.values()), ()))), np.float32)
        return np.stack([self._known[text] for text in texts])

    def forget(self) -> None:
        """Forget all texts."""
        self._known.clear()
