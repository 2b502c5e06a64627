"""Word-length accuracy: the share of narrations whose length lies in its window.

Which window is the length policy's choice; ``reference`` (the reference's length, three characters or five words either
side) is the one of the paper's tables. Lengths and windows come ready from ``narration.length``.

Source: paper, table 2 (Len); not in the released code, so there is one definition.
"""

from __future__ import annotations


def is_within(num_words: int, window: tuple[int, int]) -> bool:
    """Whether a length lies in its window, ends included."""
    return window[0] <= num_words <= window[1]


def words_outside(num_words: int, window: tuple[int, int]) -> int:
    """By how much a length misses its window: below zero if too short, above if too long, 0 inside."""
    return min(0, num_words - window[0]) + max(0, num_words - window[1])
