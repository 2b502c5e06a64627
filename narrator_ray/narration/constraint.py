"""One narration being written token by token, held to its length window and to the grammar of spoken text.

The guarantee lives here: as long as only allowed tokens are taken, the narration can always be finished, and when it
``is_finished`` it lies in its window and ends as a sentence. Which of the allowed tokens reads best is not known
here: that is ``narration.writer``'s work.
"""

from __future__ import annotations

from narrator_ray.errors import GenerationFailed, RejectReason
from narrator_ray.narration.length import Window
from narrator_ray.narration.speech import TICK_S
from narrator_ray.narration.token_automaton import BoolArray, TokenAutomaton

LONGEST_WORD_BYTES = 30
"""An English word that has grown to this length is not continued, so that decoding ends within a known number of
steps."""
LONGEST_NUMBER_BYTES = 12
"""The same for a number in figures."""
_DIGITS = tuple(bytes([byte]) for byte in b"0123456789")


class NarrationConstraint:
    """What may follow what has been written so far.

    Args:
        automaton: Grammar, vocabulary and what is reachable.
        window: Lowest and highest length, in what the automaton counts.

    Attributes:
        ids: Tokens written so far.
        state: Where the automaton stands.
        count: Length so far.

    Raises:
        GenerationFailed: The tokenizer cannot write any text of that length.
    """

    def __init__(self, automaton: TokenAutomaton, window: Window) -> None:
        self.automaton = automaton
        self.low, self.high = window
        self.ids: list[int] = []
        self.state = automaton.start
        self.count = 0
        self._word_bytes = 0
        if not automaton.endings or not automaton.can_finish(self.state, self.low, self.high):
            raise GenerationFailed(
                RejectReason.GENERATION_FAILED,
                f"the model's tokenizer cannot write a sentence of {_window_text(automaton, window)}; widen the clip's "
                "length window",
            )

    @property
    def is_finished(self) -> bool:
        """Whether the text as it stands is a valid narration."""
        return bool(self.automaton.is_end_S[self.state]) and self.low <= self.count <= self.high

    @property
    def may_end_here(self) -> bool:
        """Whether final punctuation would make the text a valid narration now."""
        count = self.count + self.automaton.final_count
        return bool(self.automaton.is_word_S[self.state]) and self.low <= count <= self.high

    @property
    def text(self) -> str:
        """The narration, without white space around it; whole characters only where it is finished."""
        return self.automaton.vocabulary.text(self.ids).decode(errors="ignore").strip()

    def allowed(self) -> BoolArray:
        """Bool [V]: tokens after which the narration can still be finished inside its window."""
        allowed = self.automaton.allowed(self.state, self.low - self.count, self.high - self.count)
        return self._without_endless_word(allowed) if self.automaton.language == "en" else allowed

    def _without_endless_word(self, allowed: BoolArray) -> BoolArray:
        """No word grows past its limit, also not over commas, points and hyphens, unless nothing else can follow."""
        heads = self.automaton.head_bytes_V
        last_byte = self.automaton.vocabulary.tokens[self.ids[-1]][-1:] if self.ids else b""
        longest = LONGEST_NUMBER_BYTES if last_byte in (*_DIGITS, b",", b".") else LONGEST_WORD_BYTES
        short = allowed & ((heads == 0) | (heads + self._word_bytes <= longest))
        if self._word_bytes + 1 >= longest:
            short[self.automaton.comma_ids] = False  # in a full window nothing but more digits could follow it
        return short if short.any() else allowed

    def take(self, token: int) -> None:
        """Write an allowed token."""
        self.state, count = self.automaton.after(self.state, token)
        self.count += count
        self.ids.append(token)
        data = self.automaton.vocabulary.tokens[token]
        tail = self.automaton.tail_bytes(token)
        self._word_bytes = self._word_bytes + tail if tail == len(data) else tail

    def last_word(self) -> str:
        """The word that stands last, without punctuation, in lower case; in Chinese the last character."""
        text = self.text
        return text[-1:] if self.automaton.language == "zh" else text.rpartition(" ")[2].strip(".,:;!?").lower()


def _window_text(automaton: TokenAutomaton, window: Window) -> str:
    low, high = window
    if automaton.measure == "speech":
        return f"{low * TICK_S:.2f} to {high * TICK_S:.2f} spoken seconds"
    return f"{low} to {high} {'words' if automaton.language == 'en' else 'characters'}"
