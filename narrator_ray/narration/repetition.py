"""What a story should not say: phrases that it has told already, and words of the prompt that are not for the speaker.

A phrase is a run of tokens of a given length that ends where a word begins: a word in the making is never turned into
another. The product's own words are not held against the story: a name may be said in every clip. Knows token ids
only. Not in the paper, whose code has the repetition penalty alone (``narration.sampling``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

Run = tuple[int, ...]


class ToldPhrases:
    """The memory of one story.

    Args:
        size: Tokens of a phrase; 0 remembers nothing.
        product: Tokens of everything that is known of the product; runs of these may be repeated.
        unspoken: Runs that are never to be said, unless the product has them.
        inside_words: Tokens that make the word before them longer.
    """

    def __init__(
        self, size: int, product: Iterable[int], unspoken: Iterable[Run] = (), inside_words: Collection[int] = ()
    ) -> None:
        self._size = size
        self._inside_words = inside_words
        facts = tuple(product)
        self._facts = {*_runs(facts, 1), *_runs(facts, 2)}
        self._unspoken = [run for run in unspoken if run not in _runs(facts, len(run))]
        self._last_of: defaultdict[Run, set[int]] = defaultdict(set)

    def tell(self, ids: Sequence[int]) -> None:
        """Remember a narration."""
        if self._size:
            for phrase in _runs(tuple(ids), self._size):
                if phrase[-1] not in self._inside_words:
                    self._last_of[phrase[:-1]].add(phrase[-1])

    def unwanted(self, ids: Sequence[int]) -> set[int]:
        """Tokens that would complete a told phrase or an unspoken run after these."""
        unspoken = {run[-1] for run in self._unspoken if tuple(ids[len(ids) - len(run) + 1 :]) == run[:-1]}
        if not self._size or len(ids) < self._size - 1:
            return unspoken
        beginning = tuple(ids[len(ids) - self._size + 1 :])
        told = self._last_of.get(beginning, set())
        return unspoken | {last for last in told if (*beginning[-1:], last) not in self._facts}


def _runs(ids: Run, size: int) -> list[Run]:
    return [ids[start : start + size] for start in range(len(ids) - size + 1)]
