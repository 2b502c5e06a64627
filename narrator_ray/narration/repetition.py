"""Phrases that a story has told already, so that no one hears the same words twice.

A phrase is a run of tokens of a given length. The product's own words are not held against the story: a name may be said
in every clip. Knows token ids only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence


class ToldPhrases:
    """The memory of one story.

    Args:
        size: Tokens of a phrase; 0 remembers nothing.
        product: Tokens of everything that is known of the product; runs of these may be repeated.
    """

    def __init__(self, size: int, product: Iterable[int]) -> None:
        self._size = size
        facts = tuple(product)
        self._facts = {*_runs(facts, 1), *_runs(facts, 2)}
        self._last_of: defaultdict[tuple[int, ...], set[int]] = defaultdict(set)

    def tell(self, ids: Sequence[int]) -> None:
        """Remember a narration."""
        if self._size:
            for phrase in _runs(tuple(ids), self._size):
                self._last_of[phrase[:-1]].add(phrase[-1])

    def repeated(self, ids: Sequence[int]) -> set[int]:
        """Tokens that would repeat a phrase after these, unless they go on with the product's own words."""
        if not self._size or len(ids) < self._size - 1:
            return set()
        beginning = tuple(ids[len(ids) - self._size + 1 :])
        return {last for last in self._last_of.get(beginning, ()) if not self._is_fact(beginning, last)}

    def _is_fact(self, beginning: tuple[int, ...], last: int) -> bool:
        """Whether the last token stands in the product's words after the one before it."""
        return (*beginning[-1:], last) in self._facts


def _runs(ids: tuple[int, ...], size: int) -> Iterable[tuple[int, ...]]:
    return (ids[start : start + size] for start in range(len(ids) - size + 1))
