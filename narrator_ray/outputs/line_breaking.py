"""Breaks a text into captions of at most two lines, at the places where a reader would pause.

Knows nothing of time and of subtitle formats. Widths are in columns: a full-width character (Chinese, emoji) takes two,
a combining mark none, every other character one; so 16 Chinese characters and 32 Latin ones are equally wide. Curly
quotes, dashes and dots, which are wide in Chinese fonts only, count as wide in every text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from narrator_ray.records import Language

LINE_COLUMNS: dict[Language, int] = {"en": 42, "zh": 32}
"""Widest line per language: 42 Latin characters, 16 Chinese characters."""

_SENTENCE_ENDS = frozenset(".!?。！？…")
_CLAUSE_ENDS = frozenset(",;:，、；：—)）”")
_WIDE_IN_CHINESE = frozenset("“”‘’…—·")
_NO_LINE_START = frozenset("，。！？、；：”’）》】〉」』％…—·的了着吗呢吧啊们")
_NO_LINE_END = frozenset("（《【〈「『“‘￥＄")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_ARTICLES = ("a", "an", "the", "this", "that", "your", "our", "its", "their")
_CONNECTIVES = ("of", "to", "in", "on", "at", "by", "for", "from", "with", "and", "or", "but", "is", "are", "as", "so")
_WEAK_WORDS = frozenset(_ARTICLES + _CONNECTIVES)
_SENTENCE_COST, _CLAUSE_COST, _WORD_COST, _WEAK_COST = 0.0, 0.15, 1.2, 1.6
_CAPTION_COST = 0.5


@dataclass(frozen=True, slots=True)
class _Unit:
    """A piece of text that is not broken: a word, or a Chinese character with the punctuation that clings to it."""

    text: str
    columns: int
    has_space_before: bool

    @property
    def break_cost(self) -> float:
        """How much it hurts a reader when a caption ends here; 0 at the end of a sentence."""
        if self.text[-1] in _SENTENCE_ENDS:
            return _SENTENCE_COST
        if self.text[-1] in _CLAUSE_ENDS:
            return _CLAUSE_COST
        is_weak = self.text.lower() in _WEAK_WORDS or self.text[-1].isdigit()
        return _WEAK_COST if is_weak else _WORD_COST


def columns_of(text: str) -> int:
    """Width of a text in columns."""
    return sum(map(_char_columns, text))


def break_into_captions(text: str, max_columns: int) -> list[tuple[str, ...]]:
    """Break a text into captions of one or two balanced lines.

    The captions are as few as possible and of similar length, and prefer to end where a sentence or a clause ends.

    Args:
        text: Any text; runs of white space count as one space.
        max_columns: Widest line, at least 2 columns.

    Returns:
        The lines of each caption, in order; empty for a blank text. Joined again they hold every character of the text
        but white space. Only a single cluster of joined emoji may be wider than the line.
    """
    units = list(_units(text, max_columns))
    offsets = _offsets(units)
    captions = []
    for first, last in _caption_spans(units, offsets, max_columns):
        middle = _line_break(units, offsets, first, last, max_columns)
        lines = (units[first:middle], units[middle:last])
        captions.append(tuple(_join(line) for line in lines if line))
    return captions


def _char_columns(char: str) -> int:
    if char in _JOINERS or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if char in _WIDE_IN_CHINESE or unicodedata.east_asian_width(char) in "WF" else 1


def _units(text: str, max_columns: int) -> Iterator[_Unit]:
    for word in text.split():
        has_space_before = True
        for piece in _split_word(word):
            for part in _chop(piece, max_columns):
                yield _Unit(part, columns_of(part), has_space_before)
                has_space_before = False


def _split_word(word: str) -> Iterator[str]:
    """Split at every place inside a word where East Asian text may be broken."""
    start = 0
    for place in range(1, len(word)):
        if _may_break(word[place - 1], word[place]):
            yield word[start:place]
            start = place
    yield word[start:]


def _may_break(left: str, right: str) -> bool:
    is_wide = unicodedata.east_asian_width(left) in "WF" or unicodedata.east_asian_width(right) in "WF"
    return is_wide and right not in _NO_LINE_START and left not in _NO_LINE_END and not _clings(left, right)


def _clings(left: str, right: str) -> bool:
    return left == "\u200d" or right in _JOINERS or unicodedata.category(right).startswith("M")


def _chop(piece: str, max_columns: int) -> Iterator[str]:
    """Cut what is wider than a whole line, such as a web address, into parts that fit."""
    start, columns = 0, 0
    for place, char in enumerate(piece):
        columns += _char_columns(char)
        if columns > max_columns and place > start and not _clings(piece[place - 1], char):
            yield piece[start:place]
            start, columns = place, _char_columns(char)
    yield piece[start:]


def _offsets(units: Sequence[_Unit]) -> list[int]:
    """Columns from the start of the text to the end of each unit; one entry more than units, the first 0."""
    offsets = [0]
    for unit in units:
        offsets.append(offsets[-1] + unit.has_space_before + unit.columns)
    return offsets


def _width(units: Sequence[_Unit], offsets: Sequence[int], first: int, last: int) -> int:
    return offsets[last] - offsets[first] - units[first].has_space_before


def _reach(units: Sequence[_Unit], offsets: Sequence[int], max_columns: int) -> list[int]:
    """For each unit the end of the longest line that starts with it; one unit always fits."""
    reach, last = [], 0
    for first in range(len(units)):
        last = max(last, first + 1)
        while last < len(units) and _width(units, offsets, first, last + 1) <= max_columns:
            last += 1
        reach.append(last)
    return [*reach, len(units)]


def _caption_spans(units: Sequence[_Unit], offsets: Sequence[int], max_columns: int) -> list[tuple[int, int]]:
    """Cheapest division into spans that fit two lines, by dynamic programming from the end."""
    reach = _reach(units, offsets, max_columns)
    cost, following = [0.0] * (len(units) + 1), [0] * len(units)
    for first in reversed(range(len(units))):
        ends = range(first + 1, reach[reach[first]] + 1)
        costs = [
            _caption_cost(units, _width(units, offsets, first, last) / (2 * max_columns), last) + cost[last]
            for last in ends
        ]
        cost[first] = min(costs)
        following[first] = ends[costs.index(cost[first])]
    spans, first = [], 0
    while first < len(units):
        spans.append((first, following[first]))
        first = following[first]
    return spans


def _caption_cost(units: Sequence[_Unit], fill: float, last: int) -> float:
    end_cost = 0.0 if last == len(units) else units[last - 1].break_cost
    return _CAPTION_COST * (1 + max(0.0, 1 - fill) ** 2) + end_cost


def _line_break(units: Sequence[_Unit], offsets: Sequence[int], first: int, last: int, max_columns: int) -> int:
    """Where the second line of a caption starts; ``last`` when one line is enough."""
    if last - first == 1 or _width(units, offsets, first, last) <= max_columns:
        return last

    def cost(middle: int) -> tuple[int, float]:
        top, bottom = _width(units, offsets, first, middle), _width(units, offsets, middle, last)
        imbalance = (top - bottom) / max_columns
        return max(top, bottom, max_columns), imbalance**2 + 0.35 * units[middle - 1].break_cost

    return min(range(first + 1, last), key=cost)


def _join(units: Sequence[_Unit]) -> str:
    return "".join(" " * unit.has_space_before + unit.text for unit in units).lstrip(" ")
