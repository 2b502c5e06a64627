"""The grammar of spoken text lifted from bytes to the tokens of one vocabulary, with a look at what is still reachable.

For every state and token: the state after it and how much it counts. For every state and number: whether the text can
still be finished with exactly that much more. A token is only allowed when it leads to a state from which the window
can be met, so a decoder that keeps to allowed tokens is never caught without a way out.

Computed once per vocabulary and language. Does not know models.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from narrator_ray.narration.speech import TYPICAL_WORD_TICKS
from narrator_ray.narration.spoken_text import DANGLING_WORDS, FINAL_PUNCTUATION, Measure, spoken_text
from narrator_ray.narration.vocabulary import Vocabulary
from narrator_ray.records import Language

BoolArray = npt.NDArray[np.bool_]

LONGEST_TOKEN_BYTES = 64
"""Longer tokens are rulers and indentation, never speech."""
_MOST_COUNTS: dict[Measure, int] = {"words": LONGEST_TOKEN_BYTES + 1, "speech": 300}
"""Tokens that count so much or more, such as one that takes three seconds to say, are never used."""
_SPACES = (b" ", b"\t", b"\r", b"\n")
_PUNCTUATION = b",.!?;:%"
_CONTINUATION: dict[Language, str] = {"en": r"['\-A-Za-z0-9]|[^\x00-\x7f]", "zh": r"[\-A-Za-z0-9]"}


class TokenAutomaton:
    """States and counts after tokens, and what is reachable.

    Args:
        vocabulary: Whose tokens.
        language: Whose grammar.
        measure: What is counted.

    Attributes:
        vocabulary: As given.
        language: As given.
        measure: As given.
        unit: What a typical word (en) or character (zh) counts.
        start: The state of an empty text.
        is_end_S: bool [S], whether the text may stop here.
        is_word_S: bool [S], whether final punctuation may follow at once.
        endings: Each way to write one final punctuation mark, as token ids.
        comma_ids: Tokens that begin with a comma.
        closing_ids: Tokens that write a final punctuation mark and a line break after it.
        final_count: How much a final punctuation mark counts.
        dangling_ids: Tokens that end with a word which hardly ever ends a sentence.
        continues_V: bool [V], tokens that make the word before them longer.
        inside_words: Their ids.
        head_bytes_V: int16 [V], bytes by which each token lengthens the word before it; 0 for punctuation alone.
    """

    def __init__(self, vocabulary: Vocabulary, language: Language, measure: Measure = "words") -> None:
        self.vocabulary = vocabulary
        self.language = language
        self.measure = measure
        self.unit = 1 if measure == "words" else TYPICAL_WORD_TICKS[language]
        self._spoken = spoken_text(language, measure)
        self._num_counts = _MOST_COUNTS[measure]
        self.start = self._spoken.start
        self.is_end_S = self._spoken.is_end_S
        self.is_word_S = self._spoken.is_word_S
        self.final_count = 1 if (language, measure) == ("zh", "words") else 0
        spelled = (vocabulary.spell(mark) for mark in FINAL_PUNCTUATION[language])
        self.endings = tuple(ids for ids in spelled if ids is not None)
        self.comma_ids = vocabulary.find(",")
        marks = "|".join(map(re.escape, FINAL_PUNCTUATION[language]))
        self.closing_ids = vocabulary.find(rf"(?:{marks})[ \t]*[\r\n]")
        self.dangling_ids = _ids_ending_with(vocabulary, DANGLING_WORDS[language], language)
        self.continues_V = np.zeros(len(vocabulary.tokens), np.bool_)
        self.continues_V[vocabulary.find(_CONTINUATION[language])] = True
        self.inside_words = frozenset(np.flatnonzero(self.continues_V).tolist())
        self._read_tokens(vocabulary.tokens)
        self._outcomes = self._explore()
        self._edges = self._collect_edges()
        self._reach_KS = np.zeros((1, self._spoken.num_states), np.int32)

    def _read_tokens(self, tokens: tuple[bytes, ...]) -> None:
        """Lay the tokens out as a byte matrix, longest first, so that reading one more byte touches ever fewer rows."""
        usable = [index for index, token in enumerate(tokens) if 0 < len(token) <= LONGEST_TOKEN_BYTES]
        usable.sort(key=lambda index: -len(tokens[index]))
        self._usable = np.array(usable, np.intp)
        lengths = np.array([len(tokens[index]) for index in usable], np.intp)
        self._bytes = np.zeros((len(usable), LONGEST_TOKEN_BYTES), np.uint8)
        for row, index in enumerate(usable):
            self._bytes[row, : lengths[row]] = np.frombuffer(tokens[index], np.uint8)
        self._rows_at = [int((lengths > place).sum()) for place in range(LONGEST_TOKEN_BYTES)]
        heads = np.zeros(len(tokens), np.int16)
        heads[self._usable] = [_head_bytes(tokens[index]) for index in usable]
        self.head_bytes_V = heads

    def _outcomes_from(self, state: int) -> npt.NDArray[np.int32]:
        """State after each token x counts + what it counts, from one state, int32 [V]; 0 where it is impossible."""
        states = np.full(len(self._usable), state, np.int16)
        counts = np.zeros(len(self._usable), np.int16)
        for place, rows in enumerate(self._rows_at):
            if rows == 0:
                break
            read = self._bytes[:rows, place]
            counts[:rows] += self._spoken.adds_SB[states[:rows], read]
            states[:rows] = self._spoken.next_SB[states[:rows], read]
        outcomes = np.zeros(len(self.vocabulary.tokens), np.int32)
        is_possible = (states > 0) & (counts < self._num_counts)
        outcomes[self._usable] = np.where(is_possible, states.astype(np.int32) * self._num_counts + counts, 0)
        return outcomes

    def _explore(self) -> dict[int, npt.NDArray[np.int32]]:
        """Outcomes of every state that tokens can lead to."""
        outcomes: dict[int, npt.NDArray[np.int32]] = {}
        waiting = [self.start]
        while waiting:
            state = waiting.pop()
            if state in outcomes:
                continue
            outcomes[state] = self._outcomes_from(state)
            reached = np.flatnonzero(np.bincount(outcomes[state] // self._num_counts))
            waiting += [int(other) for other in reached if other > 0]
        return outcomes

    def _collect_edges(self) -> npt.NDArray[np.intp]:
        """Intp [E, 3]: from state, to state, count; each once."""
        edges = [
            (state, int(code) // self._num_counts, int(code) % self._num_counts)
            for state, outcomes in self._outcomes.items()
            for code in np.flatnonzero(np.bincount(outcomes))
            if code > 0
        ]
        return np.array(edges, np.intp).reshape(-1, 3)

    def _reachable(self, most: int) -> npt.NDArray[np.int32]:
        """int32 [K+1, S], K > most: in how many ways k' < k the text can be finished with exactly k' more."""
        known = len(self._reach_KS) - 1
        if known <= most:
            exact_KS = np.zeros((max(most + 1, 2 * known), self._spoken.num_states), np.bool_)
            exact_KS[:known] = np.diff(self._reach_KS, axis=0) > 0
            for k in range(known, len(exact_KS)):
                self._mark_exact(exact_KS, k)
            nothing_S = np.zeros_like(self._reach_KS[:1])
            self._reach_KS = np.vstack([nothing_S, np.cumsum(exact_KS, axis=0, dtype=np.int32)])
        return self._reach_KS

    def _mark_exact(self, exact_KS: BoolArray, k: int) -> None:
        """Fill in row k: whether exactly k more can finish the text, all rows before it being known."""
        here = exact_KS[k]
        if k == 0:
            here |= self.is_end_S
        source, target, count = self._edges.T
        costs = (count > 0) & (count <= k)
        np.logical_or.at(here, source[costs], exact_KS[k - count[costs], target[costs]])
        free = count == 0
        while True:
            before = here.sum()
            np.logical_or.at(here, source[free], here[target[free]])
            if here.sum() == before:
                return

    def can_finish(self, state: int, low: int, high: int) -> bool:
        """Whether the text can be finished with at least ``low`` and at most ``high`` more."""
        if high < 0:
            return False
        reach_KS = self._reachable(high)
        return bool(reach_KS[high + 1, state] > reach_KS[max(0, low), state])

    def allowed(self, state: int, low: int, high: int) -> BoolArray:
        """Tokens after which the text can still be finished with ``low`` to ``high`` more, their own included, [V]."""
        reach_KS = self._reachable(high)
        spent_A = np.arange(min(high + 1, self._num_counts))
        fits_AS = reach_KS[high + 1 - spent_A] > reach_KS[np.maximum(0, low - spent_A)]
        fits_SA = np.zeros((self._spoken.num_states, self._num_counts), np.bool_)
        fits_SA[1:, : len(spent_A)] = fits_AS[:, 1:].T
        result: BoolArray = fits_SA.reshape(-1)[self._outcomes[state]]
        return result

    def after(self, state: int, token: int) -> tuple[int, int]:
        """State after a token and what the token counts."""
        outcome = int(self._outcomes[state][token])
        return outcome // self._num_counts, outcome % self._num_counts

    def tail_bytes(self, token: int) -> int:
        """Bytes of a token after its last white space: how long the word at its end is so far."""
        data = self.vocabulary.tokens[token]
        return len(data) - max(data.rfind(space) for space in _SPACES) - 1

    def outcomes(self, state: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """States after each token [V] and what each counts [V]; both 0 for impossible tokens."""
        states_V, counts_V = np.divmod(self._outcomes[state], np.int32(self._num_counts))
        return states_V, counts_V


def _ids_ending_with(vocabulary: Vocabulary, words: frozenset[str], language: Language) -> npt.NDArray[np.intp]:
    texts = (token.decode(errors="ignore").strip().lower() for token in vocabulary.tokens)
    last_words = (text[-1:] if language == "zh" else text.rpartition(" ")[2] for text in texts)
    return np.array([index for index, word in enumerate(last_words) if word in words], np.intp)


def _head_bytes(token: bytes) -> int:
    head = re.split(rb"[ \t\r\n]", token, maxsplit=1)[0]
    return len(head) if head.strip(_PUNCTUATION) else 0
