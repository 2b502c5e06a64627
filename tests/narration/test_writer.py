"""The length guarantee and what endings look like, against made-up models."""

import numpy as np
import pytest

from narrator_ray.narration.length import count_words
from narrator_ray.narration.spoken_text import FINAL_PUNCTUATION, spoken_text
from narrator_ray.narration.token_automaton import TokenAutomaton
from narrator_ray.narration.vocabulary import Vocabulary
from narrator_ray.narration.writer import NarrationWriter
from tests.narration.tokenizers_on_the_spot import (
    CHINESE,
    ENGLISH,
    byte_level,
    greedy_bytes,
    sentencepiece_bpe,
    unigram,
)

FAMILIES = {
    "byte_level_en": lambda: byte_level(ENGLISH),
    "byte_level_zh": lambda: byte_level(CHINESE),
    "half_characters": lambda: byte_level(ENGLISH, vocab_size=260),
    "greedy_bytes": lambda: greedy_bytes(ENGLISH + CHINESE),
    "sentencepiece": lambda: sentencepiece_bpe(ENGLISH + CHINESE),
    "unigram": lambda: unigram(list(ENGLISH + CHINESE)),
}


@pytest.fixture(scope="module", params=FAMILIES)
def vocabulary(request):
    """A small vocabulary of one family."""
    tokenizer = FAMILIES[request.param]()
    return Vocabulary.of(tokenizer, len(tokenizer) + 3)


def write(automaton, window, model, max_steps=4000):
    """Drive a writer greedily with ``model(ids) -> logits``."""
    writer = NarrationWriter(automaton, window, lambda scores: int(scores.argmax()))
    for _ in range(max_steps):
        logits = model(writer.ids)
        writer.step(logits, logits)
        if writer.is_complete:
            return writer
    raise AssertionError(f"not finished after {max_steps} tokens: {writer.text!r}")


def random_model(seed, num_logits, scale):
    """Different random logits at every step."""
    rng = np.random.default_rng(seed)
    return lambda ids: (rng.standard_normal(num_logits) * scale).astype(np.float32)


def check_narration(text, language, window):
    """Length, ending, one line, and the grammar of spoken text."""
    low, high = window
    assert low <= count_words(text, language) <= high
    assert text[-1] in FINAL_PUNCTUATION[language]
    assert "\n" not in text and text == text.strip() and "\ufffd" not in text
    automaton = spoken_text(language)
    state, count = automaton.read(text.encode())
    assert automaton.is_end_S[state] and count == count_words(text, language)
    if language == "en":
        assert all(any(char.isalnum() for char in word) and len(word.encode()) < 110 for word in text.split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_random_models_always_land_in_the_window(vocabulary, language):
    """Whatever the logits, every window of every width is met by whole, speakable sentences, for every tokenizer."""
    automaton = TokenAutomaton(vocabulary, language)
    rng = np.random.default_rng(1)
    for seed in range(40):
        low = int(rng.integers(1, 14)) + (language == "zh")
        window = (low, low + int(rng.integers(0, 6)))
        model = random_model(seed, len(vocabulary.tokens), float(rng.choice([0.5, 2.0, 12.0])))
        writer = write(automaton, window, model)
        check_narration(writer.text, language, window)
        assert writer.num_words == count_words(writer.text, language)
