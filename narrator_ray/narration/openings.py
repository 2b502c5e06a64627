"""How a story's narrations began, so that the next one begins otherwise.

What counts is the first token that says something, of a narration among those of its story and of a sentence among
those of its narration: "See it sway." may come again in a story, but not at the head of every clip. Knows tokens and
their bytes only. Not in the paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from narrator_ray.narration.spoken_text import FINAL_PUNCTUATION
from narrator_ray.records import Language


class Openings:
    """The memory of one story.

    Args:
        tokens: Bytes of each token.
        language: Its marks end a sentence.
        inside_words: Tokens that make the word before them longer: right after a point they are decimals.
    """

    def __init__(self, tokens: Sequence[bytes], language: Language, inside_words: Collection[int] = ()) -> None:
        self._tokens = tokens
        self._inside_words = inside_words
        self._marks = tuple(mark.encode() for mark in FINAL_PUNCTUATION[language])
        self._told: Counter[int] = Counter()

    def tell(self, ids: Iterable[int]) -> None:
        """Remember how a narration begins."""
        self._told.update(islice(self._heads(ids), 1))

    def used(self, ids: Sequence[int]) -> Mapping[int, int]:
        """How often each token began what the next one would begin too.

        Args:
            ids: Of a narration in the making.

        Returns:
            Before its first word, beginnings of the story's narrations; after a sentence, of its own sentences;
            elsewhere none.
        """
        last = next((token for token in reversed(ids) if self._says(token)), None)
        if last is None:
            return self._told
        if not self._ends_sentence(last):
            return {}
        may_be_decimal = ids[-1] == last
        return Counter(head for head in self._heads(ids) if not (may_be_decimal and head in self._inside_words))

    def _heads(self, ids: Iterable[int]) -> Iterator[int]:
        is_first, may_be_decimal = True, False
        for token in ids:
            says = self._says(token)
            if says and is_first and not (may_be_decimal and token in self._inside_words):
                yield token
            may_be_decimal = says and self._ends_sentence(token)
            is_first = may_be_decimal if says else is_first

    def _says(self, token: int) -> bool:
        return bool(self._tokens[token].strip())

    def _ends_sentence(self, token: int) -> bool:
        return self._tokens[token].rstrip().endswith(self._marks)
