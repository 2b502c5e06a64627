"""The grammar over tokens, and what is still reachable."""

import numpy as np
import pytest

from narrator_ray.narration.spoken_text import spoken_text
from narrator_ray.narration.token_automaton import TokenAutomaton
from narrator_ray.narration.vocabulary import Vocabulary
from tests.narration.tokenizers_on_the_spot import CHINESE, ENGLISH, greedy_bytes


@pytest.fixture(scope="module")
def vocabulary():
    """Tokens that cross word borders, in both languages."""
    tokenizer = greedy_bytes(ENGLISH + CHINESE)
    return Vocabulary.of(tokenizer, len(tokenizer))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tokens_do_what_their_bytes_do(vocabulary, language):
    """The state and count after every token is that of reading its bytes one by one."""
    automaton, spoken = TokenAutomaton(vocabulary, language), spoken_text(language)
    for text in ("", "Fresh" if language == "en" else "新鲜"):
        state, _ = spoken.read(text.encode())
        states, counts = automaton.outcomes(state)
        for index, token in enumerate(vocabulary.tokens):
            expected, count = spoken.read(token, state) if token else (0, 0)
            assert states[index] == expected
            assert counts[index] == (count if expected else 0)


def test_the_shortest_sentences(vocabulary):
    """One word in English; in Chinese a character and its punctuation."""
    english, chinese = TokenAutomaton(vocabulary, "en"), TokenAutomaton(vocabulary, "zh")
    assert english.can_finish(english.start, 1, 1)
    assert not english.can_finish(english.start, 0, 0)
    assert chinese.can_finish(chinese.start, 2, 2)
    assert not chinese.can_finish(chinese.start, 0, 1)


def test_a_token_that_overshoots_the_window_is_not_allowed(vocabulary):
    """In Chinese a token of several characters must leave room for the final mark."""
    automaton = TokenAutomaton(vocabulary, "zh")
    states, counts = automaton.outcomes(automaton.start)
    several = np.flatnonzero((counts == 2) & ~automaton.is_end_S[states] & automaton.is_word_S[states])
    assert len(several)
    assert not automaton.allowed(automaton.start, 1, 2)[several].any()
    assert automaton.allowed(automaton.start, 1, 3)[several].all()


def test_what_needs_another_word_is_not_allowed_at_the_limit(vocabulary):
    """After the last word neither a comma nor a space may follow; final punctuation may."""
    automaton = TokenAutomaton(vocabulary, "en")
    state, _ = spoken_text("en").read(b"Go")
    allowed = automaton.allowed(state, 0, 0)
    comma, space, dot = (vocabulary.tokens.index(token) for token in (b",", b" ", b"."))
    assert not allowed[comma] and not allowed[space]
    assert allowed[dot]
