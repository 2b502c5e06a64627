"""Writes one narration with a model's scores: where to go on, where to end, and which of several endings reads best.

The constraint says what may be done; this module does what the model would most like among it:

- A wish to stop (end-of-text, a line break, with or without punctuation before it) counts for final punctuation, so
  that a model which is done ends its sentence instead of being pushed on.
- When most of what the model wants is forbidden, a word grows only if the model itself gave growing it more than half;
  letters are never glued to a finished word because nothing else was left.
- At every place where a sentence could end inside the window, how much the model wants to end there is recorded. When
  the window is full before a good ending came, decoding goes back to the best recorded one.

Knows scores, not where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import GenerationFailed, RejectReason
from narrator_ray.narration.constraint import NarrationConstraint
from narrator_ray.narration.length import Window
from narrator_ray.narration.spoken_text import DANGLING_WORDS
from narrator_ray.narration.token_automaton import BoolArray, TokenAutomaton
from narrator_ray.records import Language

FloatArray = npt.NDArray[np.float32]

SHORTEST_FURTHER_SENTENCE: dict[Language, int] = {"en": 3, "zh": 5}
"""No further sentence is begun when less than this is left of the window."""
GOOD_ENDING = 0.3
"""The model's own probability of ending from which an ending is as good as any: the latest such one is taken."""
_DANGLING_PENALTY = 6.0
_CUT_WORD_PENALTY = 30.0


@dataclass(frozen=True, slots=True)
class _Ending:
    """A place where the narration could have ended: after ``position`` tokens, with the tokens of a mark."""

    position: int
    mark: tuple[int, ...]
    score: float


class NarrationWriter:
    """One narration in the making.

    Args:
        automaton: Grammar and vocabulary of the language.
        window: Lowest and highest length.

    Raises:
        GenerationFailed: The tokenizer cannot write any text of that length.
    """

    def __init__(self, automaton: TokenAutomaton, window: Window) -> None:
        self._automaton = automaton
        self._window = window
        self._draft = NarrationConstraint(automaton, window)
        self._stop_ids = automaton.vocabulary.stop_ids
        self._endings: list[_Ending] = []
        self.is_complete = False

    @property
    def ids(self) -> list[int]:
        """Tokens of the narration, without what stopped it."""
        return self._draft.ids

    @property
    def text(self) -> str:
        """The narration; valid once it is complete."""
        return self._draft.text

    @property
    def num_words(self) -> int:
        """Length so far."""
        return self._draft.count

    def scores(self, logits_V: FloatArray, preferred_V: FloatArray) -> FloatArray | None:
        """Scores to choose the next token by: minus infinity where it is not allowed.

        Args:
            logits_V: What the model says, untouched: decides where words and sentences end.
            preferred_V: The same after penalties: decides between allowed tokens.

        Returns:
            None when no further token is needed: the narration is complete.

        Raises:
            GenerationFailed: No token can follow.
        """
        probability_V = np.exp(logits_V - logits_V.max())
        normaliser = probability_V.sum()
        probability_V /= normaliser
        offset = float(logits_V.max() + np.log(normaliser))
        allowed_V = self._draft.allowed()
        if self._draft.is_finished:
            scores_V = self._scores_at_end(probability_V, preferred_V, allowed_V, offset)
        elif self._automaton.is_word_S[self._draft.state]:
            scores_V = self._scores_in_word(probability_V, preferred_V, allowed_V, offset)
        else:
            scores_V = self._masked(preferred_V, allowed_V)
        if scores_V is None:
            self.is_complete = True
        elif not np.isfinite(scores_V.max()):
            raise GenerationFailed(
                RejectReason.GENERATION_FAILED, f"no token of the model can follow {self.text!r} in the length window"
            )
        return scores_V

    def take(self, token: int) -> None:
        """Write the token that was chosen by the scores."""
        if token == self._stop_ids[0] and self._draft.is_finished:
            self.is_complete = True
            return
        if self._draft.is_finished and self._automaton.continues_V[token]:
            self._endings = [ending for ending in self._endings if ending.position != len(self.ids) - 1]
        self._draft.take(token)

    def _scores_at_end(
        self, probability_V: FloatArray, preferred_V: FloatArray, allowed_V: BoolArray, offset: float
    ) -> FloatArray | None:
        """After final punctuation: stop, a further sentence, or the decimals of a number."""
        if self._draft.high - self._draft.count < SHORTEST_FURTHER_SENTENCE[self._automaton.language]:
            allowed_V = allowed_V & self._automaton.continues_V
            if probability_V[allowed_V].sum() <= 0.5:
                return None
        scores_V = self._masked(preferred_V, allowed_V)
        scores_V[self._stop_ids[0]] = _logit(probability_V[self._stop_ids].sum(), offset)
        return scores_V

    def _scores_in_word(
        self, probability_V: FloatArray, preferred_V: FloatArray, allowed_V: BoolArray, offset: float
    ) -> FloatArray | None:
        """Inside or after a word: its rest, a pause, the next word, or the end of the sentence."""
        automaton, can_end = self._automaton, self._draft.may_end_here
        growing = float(probability_V[automaton.continues_V].sum())
        closing = float(probability_V[automaton.closing_ids].sum())
        if can_end:
            closing += float(probability_V[self._stop_ids].sum())
            self._record_ending(probability_V, closing, growing)
        ends_V = automaton.is_end_S[automaton.outcomes(self._draft.state)[0]]
        allowed_V = self._without_short_rest(allowed_V, ends_V)
        wanted = float(probability_V[allowed_V].sum()) + closing
        if wanted < 0.5 and growing <= 0.5:
            allowed_V = _narrowed(allowed_V, ~automaton.continues_V)
        mark = self._favourite_mark(probability_V)
        if can_end and self._is_full(allowed_V) and not self._may_be_decimal(mark):
            self._go_back_to_best_ending()
            return None
        scores_V = self._masked(preferred_V, allowed_V)
        if allowed_V[mark[0]]:
            scores_V[mark[0]] = np.logaddexp(scores_V[mark[0]], _logit(closing, offset))
        return scores_V

    def _record_ending(self, probability_V: FloatArray, closing: float, growing: float) -> None:
        marks = np.unique([mark[0] for mark in self._automaton.endings])
        score = float(np.log(probability_V[marks].sum() + closing + 1e-30))
        if growing > 0.5:
            score -= _CUT_WORD_PENALTY
        if self._draft.last_word() in DANGLING_WORDS[self._automaton.language]:
            score -= _DANGLING_PENALTY
        self._endings.append(_Ending(len(self.ids), self._favourite_mark(probability_V), score))

    def _go_back_to_best_ending(self) -> None:
        """Finish with the latest good ending, or the best there is."""
        good = [ending for ending in self._endings if ending.score >= np.log(GOOD_ENDING)]
        best = good[-1] if good else max(self._endings, key=lambda ending: ending.score)
        kept = self.ids[: best.position]
        self._draft = NarrationConstraint(self._automaton, self._window)
        for token in (*kept, *best.mark):
            self._draft.take(token)

    def _without_short_rest(self, allowed_V: BoolArray, ends_V: BoolArray) -> BoolArray:
        """No sentence ends below the window when what is left would be too short for another."""
        draft, language = self._draft, self._automaton.language
        count = draft.count + self._automaton.final_count
        if count < draft.low and draft.high - count < SHORTEST_FURTHER_SENTENCE[language]:
            return _narrowed(allowed_V, ~ends_V)
        return allowed_V

    def _masked(self, preferred_V: FloatArray, allowed_V: BoolArray) -> FloatArray:
        """Scores of the allowed tokens; words that cannot end a sentence are marked down where the last word is due."""
        scores_V = np.where(allowed_V, preferred_V, np.float32(-np.inf))
        room = self._draft.high - self._automaton.final_count - self._draft.count
        dangling = self._automaton.dangling_ids
        counts = self._automaton.outcomes(self._draft.state)[1][dangling]
        scores_V[dangling[(counts == room) & (counts > 0)]] -= _DANGLING_PENALTY
        return scores_V

    def _is_full(self, allowed_V: BoolArray) -> bool:
        """Whether nothing but final punctuation has room."""
        has_room = self._draft.count + self._automaton.final_count < self._draft.high
        return not has_room and not (allowed_V & self._automaton.continues_V).any()

    def _favourite_mark(self, probability_V: FloatArray) -> tuple[int, ...]:
        return max(self._automaton.endings, key=lambda mark: float(probability_V[mark[0]]))

    def _may_be_decimal(self, mark: tuple[int, ...]) -> bool:
        tokens = self._automaton.vocabulary.tokens
        return tokens[mark[0]] == b"." and tokens[self.ids[-1]][-1:].isdigit()


def _logit(probability: float, offset: float) -> np.float32:
    return np.float32(np.log(probability + 1e-30) + offset)


def _narrowed(allowed_V: BoolArray, wanted_V: BoolArray) -> BoolArray:
    """Both, or the first alone where nothing is left."""
    both_V: BoolArray = allowed_V & wanted_V
    return both_V if both_V.any() else allowed_V
