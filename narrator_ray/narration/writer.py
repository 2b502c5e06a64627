"""Writes one narration with a model's scores: where to go on, where to end, and which of several endings reads best.

The constraint says what may be done; this module does what the model would most like among it:

- A wish to stop (end-of-text, a line break, with or without punctuation before it) counts for final punctuation, so
  that a model which is done ends its sentence instead of being pushed on.
- When the model wants to leave a word but may not, or is charged for how, the word still grows only if the model gave
  growing it more than half: letters are never glued to a finished word because nothing better was left.
- At every place where a sentence could end inside the window, how much the model wants to end there is recorded. When
  the window is full before a good ending came, the last words are tried another way a few times, and where nothing
  passes for a sentence, more than those; then decoding goes back to the best ending of all tries.

Knows scores, not where they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import GenerationFailed, RejectReason
from narrator_ray.narration.closing_numbers import last_number
from narrator_ray.narration.constraint import NarrationConstraint
from narrator_ray.narration.endings import GOOD_ENDING, PASSABLE_ENDING, Crossroads, Ending, Turn
from narrator_ray.narration.length import Window
from narrator_ray.narration.spoken_text import DANGLING_WORDS
from narrator_ray.narration.token_automaton import BoolArray, TokenAutomaton
from narrator_ray.records import Language

FloatArray = npt.NDArray[np.float32]

SHORTEST_FURTHER_SENTENCE: dict[Language, int] = {"en": 3, "zh": 5}
"""A second sentence has at least so many words (en) or characters (zh), or the window is left as it is."""
LONGEST_RETRY: dict[Language, int] = {"en": 5, "zh": 8}
"""How much of a narration's end is tried another way."""
MOST_RETRIES = 3
MOST_FAR_RETRIES = 3
"""How often more than the end is tried another way."""
_UNFIT_ENDING_PENALTY = 6.0
"""Taken off an ending after a word or number that hardly ever ends a sentence, or of a short further sentence."""
_CUT_WORD_PENALTY = 30.0


class NarrationWriter:
    """One narration in the making.

    Args:
        automaton: Grammar and vocabulary of the language.
        window: Lowest and highest length, in what the automaton counts.
        choose: Picks a token by scores; one whose score is minus infinity is not allowed.
        closing_numbers: Numbers that may end a sentence; None: any.

    Attributes:
        is_complete: Whether the narration is written; its ids, text and length are final then.

    Raises:
        GenerationFailed: The tokenizer cannot write any text of that length.
    """

    def __init__(
        self,
        automaton: TokenAutomaton,
        window: Window,
        choose: Callable[[FloatArray], int],
        closing_numbers: Collection[str] | None = None,
    ) -> None:
        self._automaton = automaton
        self._window = window
        self._choose = choose
        self._closing_numbers = closing_numbers
        self._draft = NarrationConstraint(automaton, window)
        self._stop_ids = automaton.vocabulary.stop_ids
        self._shortest_sentence = SHORTEST_FURTHER_SENTENCE[automaton.language] * automaton.unit
        self._longest_retry = LONGEST_RETRY[automaton.language] * automaton.unit
        self._marks = np.unique([mark[0] for mark in automaton.endings])
        self._crossroads = Crossroads()
        self._num_retries = 0
        self._num_far_retries = 0
        self._sentence_start = 0
        self._is_point_forced = False  # whether a full window left only a point, taken to see if decimals follow
        self.is_complete = False

    @property
    def ids(self) -> tuple[int, ...]:
        """Tokens of the narration, without what stopped it. After a step they may differ anywhere in their last few."""
        return tuple(self._draft.ids)

    @property
    def text(self) -> str:
        """What is written."""
        return self._draft.text

    @property
    def length(self) -> int:
        """Length so far, in what the automaton counts."""
        return self._draft.count

    def step(self, logits_V: FloatArray, preferred_V: FloatArray) -> None:
        """Write a token, or complete the narration, or go back a little and try another way.

        Args:
            logits_V: What the model says after the present ids: decides where words and sentences end.
            preferred_V: The same after penalties: decides between allowed tokens.

        Raises:
            GenerationFailed: No token can follow.
        """
        scores_V = self._scores(logits_V, preferred_V)
        if scores_V is None:
            return
        if not np.isfinite(scores_V.max()):
            raise GenerationFailed(
                RejectReason.GENERATION_FAILED, f"no token of the model can follow {self.text!r} in the length window"
            )
        token = self._choose(scores_V)
        if token == self._stop_ids[0]:
            self.is_complete = True
            return
        if not self._is_point_forced:
            self._note_turn(scores_V, token)
        self._take(token)

    def _scores(self, logits_V: FloatArray, preferred_V: FloatArray) -> FloatArray | None:
        """Scores to choose by, or None when there is nothing to choose because the narration ended or went back."""
        probability_V = np.exp(logits_V - logits_V.max())
        normaliser = probability_V.sum()
        probability_V /= normaliser
        offset = float(logits_V.max() + np.log(normaliser))
        allowed_V = self._draft.allowed()
        if self._draft.is_finished:
            return self._scores_at_end(probability_V, preferred_V, allowed_V, offset)
        if self._automaton.is_word_S[self._draft.state]:
            return self._scores_in_word(logits_V, probability_V, preferred_V, allowed_V, offset)
        if not self._has_room and self._crossroads.has_endings and probability_V[allowed_V].sum() <= 0.5:
            self._end_or_retry()  # a comma after a number, meant for a pause, before words that have no room
            return None
        return self._masked(preferred_V, allowed_V)

    def _scores_at_end(
        self, probability_V: FloatArray, preferred_V: FloatArray, allowed_V: BoolArray, offset: float
    ) -> FloatArray | None:
        """After final punctuation: stop, a further sentence, or the decimals of a number."""
        if self._draft.high - self._draft.count < self._shortest_sentence:
            allowed_V = allowed_V & self._automaton.continues_V
            if probability_V[allowed_V].sum() <= 0.5:
                if self._is_point_forced:
                    self._end_or_retry()
                else:
                    self.is_complete = True
                return None
        scores_V = self._masked(preferred_V, allowed_V)
        scores_V[self._stop_ids[0]] = _logit(probability_V[self._stop_ids].sum(), offset)
        return scores_V

    def _scores_in_word(
        self,
        logits_V: FloatArray,
        probability_V: FloatArray,
        preferred_V: FloatArray,
        allowed_V: BoolArray,
        offset: float,
    ) -> FloatArray | None:
        """Inside or after a word: its rest, a pause, the next word, or the end of the sentence."""
        automaton, can_end = self._automaton, self._draft.may_end_here
        growing = float(probability_V[automaton.continues_V].sum())
        closing = float(probability_V[automaton.closing_ids].sum())
        closing += float(probability_V[self._stop_ids].sum()) if can_end else 0.0
        mark = max(automaton.endings, key=lambda ids: float(probability_V[ids[0]]))
        penalty = self._unfitness()
        if can_end:
            wish = float(np.log(probability_V[self._marks].sum() + closing + 1e-30))
            cut = _CUT_WORD_PENALTY if growing > 0.5 else 0.0
            self._crossroads.note_ending(Ending(self.ids, mark, wish - penalty - cut))
        allowed_V = self._without_short_rest(allowed_V)
        favourite = int(probability_V.argmax())
        is_hindered = not allowed_V[favourite] or preferred_V[favourite] < logits_V[favourite]
        if is_hindered and growing <= 0.5 and not automaton.continues_V[favourite]:
            allowed_V = _narrowed(allowed_V, ~automaton.continues_V)
        if not self._has_room and growing <= 0.5 and (favourite in self._marks or not allowed_V[favourite]):
            allowed_V = _narrowed(allowed_V, self._ends_sentence())  # commas and percent signs lead nowhere
        is_full = can_end and self._is_full(allowed_V)
        if is_full and not self._may_be_decimal(mark):
            self._end_or_retry()
            return None
        self._is_point_forced = is_full
        scores_V = self._masked(preferred_V, allowed_V)
        if allowed_V[mark[0]]:
            scores_V[mark[0]] = np.logaddexp(scores_V[mark[0]], _logit(closing, offset))
        scores_V[self._marks] -= np.float32(penalty)
        return scores_V

    def _unfitness(self) -> float:
        """What speaks against ending the sentence after the last word."""
        language, draft = self._automaton.language, self._draft
        length = draft.count - self._sentence_start
        is_short = self._sentence_start > 0 and length < self._shortest_sentence
        is_unfit = is_short or draft.last_word() in DANGLING_WORDS[language] or self._is_cut_quantity()
        return _UNFIT_ENDING_PENALTY if is_unfit else 0.0

    def _is_cut_quantity(self) -> bool:
        """Whether a number stands last that needs a word after it."""
        number = last_number(self._draft.text)
        return bool(number) and self._closing_numbers is not None and number not in self._closing_numbers

    def _note_turn(self, scores_V: FloatArray, taken: int) -> None:
        others_V = scores_V.copy()
        others_V[[taken, self._stop_ids[0]]] = -np.inf
        other = int(others_V.argmax())
        gap = float(others_V[other] - scores_V[taken])
        self._crossroads.note_turn(Turn(self.ids, self._draft.count, other, gap))

    def _take(self, token: int) -> None:
        before = self.ids
        if self._draft.is_finished and self._automaton.continues_V[token]:
            self._crossroads.withdraw_ending(before[:-1])
        self._draft.take(token)
        if self._automaton.is_end_S[self._draft.state]:
            self._sentence_start = self._draft.count
            if not self._is_point_forced:
                self._crossroads.confirm_ending(before)

    def _end_or_retry(self) -> None:
        """The window is full: end well, or try the last words another way, or end as well as possible."""
        best = self._crossroads.best_ending
        turn = self._turn_to_try(best.score)
        if turn is None:
            self._rewrite((*best.ids, *best.mark))
            self.is_complete = True
        else:
            self._rewrite((*turn.ids, turn.token))

    def _turn_to_try(self, best: float) -> Turn | None:
        """Where to go another way, with no ending better than this: near the end, or anywhere if none is passable."""
        turn = None
        if best < GOOD_ENDING and self._num_retries < MOST_RETRIES:
            self._num_retries += 1
            turn = self._crossroads.take_turn(self._draft.high - self._longest_retry)
        if turn is None and best < PASSABLE_ENDING and self._num_far_retries < MOST_FAR_RETRIES:
            self._num_far_retries += 1
            turn = self._crossroads.take_turn(0)
        return turn

    def _rewrite(self, ids: tuple[int, ...]) -> None:
        self._draft = NarrationConstraint(self._automaton, self._window)
        self._sentence_start = 0
        self._is_point_forced = False
        for token in ids:
            self._draft.take(token)
            if self._automaton.is_end_S[self._draft.state]:
                self._sentence_start = self._draft.count

    def _without_short_rest(self, allowed_V: BoolArray) -> BoolArray:
        """No sentence ends below the window when what is left would be too short for another."""
        draft, automaton = self._draft, self._automaton
        count = draft.count + automaton.final_count
        if count < draft.low and draft.high - count < self._shortest_sentence:
            return _narrowed(allowed_V, ~self._ends_sentence())
        return allowed_V

    def _ends_sentence(self) -> BoolArray:
        """Tokens after which the text is a whole sentence."""
        ends_V: BoolArray = self._automaton.is_end_S[self._automaton.outcomes(self._draft.state)[0]]
        return ends_V

    def _masked(self, preferred_V: FloatArray, allowed_V: BoolArray) -> FloatArray:
        """Scores of the allowed tokens; words that cannot end a sentence are marked down where the last word is due."""
        scores_V = np.where(allowed_V, preferred_V, np.float32(-np.inf))
        room = self._draft.high - self._automaton.final_count - self._draft.count
        dangling = self._automaton.dangling_ids
        counts = self._automaton.outcomes(self._draft.state)[1][dangling]
        scores_V[dangling[(counts > room - self._automaton.unit) & (counts > 0)]] -= _UNFIT_ENDING_PENALTY
        return scores_V

    def _is_full(self, allowed_V: BoolArray) -> bool:
        """Whether nothing but final punctuation has room."""
        return not self._has_room and not (allowed_V & self._automaton.continues_V).any()

    @property
    def _has_room(self) -> bool:
        """Whether a further word can follow."""
        return self._draft.count + self._automaton.final_count + self._automaton.unit <= self._draft.high

    def _may_be_decimal(self, mark: tuple[int, ...]) -> bool:
        tokens = self._automaton.vocabulary.tokens
        return tokens[mark[0]] == b"." and tokens[self._draft.ids[-1]][-1:].isdigit()


def _logit(probability: float, offset: float) -> np.float32:
    return np.float32(np.log(probability + 1e-30) + offset)


def _narrowed(allowed_V: BoolArray, wanted_V: BoolArray) -> BoolArray:
    """Both, or the first alone where nothing is left."""
    both_V: BoolArray = allowed_V & wanted_V
    return both_V if both_V.any() else allowed_V
