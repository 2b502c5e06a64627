"""Numbers that may end a sentence: not the "12,000" of "12,000 steps", which says little without the word after it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = r"(?<![A-Za-zÀ-ɏ\d_$€£¥￥.,-])(?P<number>\d+(?:[.,]\d+)*)"
_WITHOUT_WORD = re.compile(rf"{_NUMBER}(?![.,]?\d)(?![ -]?[^\W\d_])")
_LAST = re.compile(rf"{_NUMBER}%?$")


def closing_numbers(texts: Iterable[str]) -> frozenset[str]:
    """The numbers that stand somewhere without a word after them.

    Args:
        texts: A product's name and facts.
    """
    return frozenset(match["number"] for text in texts for match in _WITHOUT_WORD.finditer(text))


def last_number(text: str) -> str:
    """The number that a text ends with, without a percent sign; empty if it ends otherwise, or with money."""
    match = _LAST.search(text)
    return match["number"] if match else ""
