"""Intra-story repetition: the share of a story's words that it told before. Lower is better.

Source: paper, table 3 (IR); released code, count_intra_repeat.py, which glues single characters to their neighbours,
counts a repeated word once for every earlier clip that has it (so a story can exceed 1), and has the first clip in the
total, which cannot repeat anything. ``standard`` takes words of two or more characters as they are, counts each once,
over the clips after the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_SHORTEST_WORD: Final = 2
_PAUSES = frozenset("，。")


@dataclass(frozen=True, slots=True)
class Repetition:
    """What one story repeats.

    Attributes:
        num_repeated: Words told before; in the released count once for every earlier clip.
        num_words: Words in which they were looked for.
    """

    num_repeated: int
    num_words: int

    @property
    def share(self) -> float:
        """Repeated words of all."""
        return self.num_repeated / self.num_words


def released_words(words: Sequence[str]) -> list[str]:
    """The words of a narration as the released code counts them.

    A single character joins the word before it unless a pause stands between; one that is left single joins the word
    after it unless that begins with it. Pauses vanish, if nothing joined them.
    """
    joined = list(words)
    for place in range(len(joined) - 1, 0, -1):
        before, word = joined[place - 1], joined[place]
        if len(word) == 1 and word not in _PAUSES and before not in _PAUSES:
            joined[place] = before + word
    counted: list[str] = []
    for place, word in enumerate(joined):
        following = joined[place + 1] if place + 1 < len(joined) else ""
        if len(word) != 1:
            counted.append(word)
        elif following and word not in _PAUSES and not following.startswith(word):
            counted.append(word + following)
    return counted


def standard_words(words: Sequence[str]) -> list[str]:
    """The words of a narration that can be repeated: of two or more characters."""
    return [word for word in words if len(word) >= _SHORTEST_WORD]


def released_repetition(clips: Sequence[Sequence[str]]) -> Repetition | None:
    """What a story repeats; None with fewer than two clips that have words.

    Args:
        clips: ``released_words`` of every narration, in order.
    """
    told = [words for words in clips if words]
    if len(told) < 2:
        return None
    repeated = sum(word in earlier for place, words in enumerate(told) for word in words for earlier in told[:place])
    return Repetition(repeated, sum(map(len, told)))


def standard_repetition(clips: Sequence[Sequence[str]]) -> Repetition | None:
    """What a story repeats; None with fewer than two clips that have words.

    Args:
        clips: ``standard_words`` of every narration, in order.
    """
    told = [words for words in clips if words]
    if len(told) < 2:
        return None
    heard = set(told[0])
    repeated = 0
    for words in told[1:]:
        repeated += sum(word in heard for word in words)
        heard.update(words)
    return Repetition(repeated, sum(map(len, told[1:])))
