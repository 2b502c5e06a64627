"""Where a narration could have ended or gone another way, remembered while it is written, best first.

A decoder that has filled its window looks here: the place where the model would most have liked to end; or, if no
ending was good, the most likely turn not taken, from where it tries again. Knows scores and token ids only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

GOOD_ENDING = math.log(0.3)
"""Log-probability of ending from which an ending is as good as any other."""
PASSABLE_ENDING = math.log(0.02)
"""Log-probability of ending below which what there is hardly is a sentence."""
LIKELY_TURN = -4.0
"""A turn not taken is worth a try when its score is at most this much below that of the token taken."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A narration that could have ended.

    Attributes:
        ids: Its tokens, final punctuation not included.
        mark: Tokens of the final punctuation.
        score: How much the model wants it to end there, as a log-probability.
    """

    ids: tuple[int, ...]
    mark: tuple[int, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A likely token that was not taken.

    Attributes:
        ids: What was written before it.
        count: Length of what was written before it, in words (en) or characters (zh).
        token: The token.
        gap: Its score less that of the token that was taken; sampling may make it positive.
    """

    ids: tuple[int, ...]
    count: int
    token: int
    gap: float


class Crossroads:
    """All endings and turns of one narration, over all its tries."""

    def __init__(self) -> None:
        self._endings: list[Ending] = []
        self._turns: list[Turn] = []

    def note_ending(self, ending: Ending) -> None:
        """Remember that the narration could end here."""
        self._endings.append(ending)

    def note_turn(self, turn: Turn) -> None:
        """Remember that the narration could go on another way."""
        self._turns.append(turn)

    def confirm_ending(self, ids: tuple[int, ...]) -> None:
        """The decoder did end a sentence after these tokens: that is good, whatever its score."""
        for index, ending in enumerate(self._endings):
            if ending.ids == ids and ending.score < GOOD_ENDING:
                self._endings[index] = Ending(ids, ending.mark, GOOD_ENDING)

    def withdraw_ending(self, ids: tuple[int, ...]) -> None:
        """What looked like an ending after these tokens was none: a decimal point."""
        self._endings = [ending for ending in self._endings if ending.ids != ids]

    @property
    def has_endings(self) -> bool:
        """Whether the narration could have ended anywhere."""
        return bool(self._endings)

    @property
    def best_ending(self) -> Ending:
        """The latest good ending, or the best there is; one must have been noted."""
        good = [ending for ending in self._endings if ending.score >= GOOD_ENDING]
        return good[-1] if good else max(self._endings, key=lambda ending: ending.score)

    def take_turn(self, earliest_count: int) -> Turn | None:
        """The most likely turn not taken at or after a length, forgotten with this; None if there is no likely one."""
        likely = [turn for turn in self._turns if turn.count >= earliest_count and turn.gap >= LIKELY_TURN]
        best = max(likely, key=lambda turn: turn.gap, default=None)
        if best is not None:
            self._turns.remove(best)
        return best
