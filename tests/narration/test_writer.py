"""The length guarantee and what endings look like, against made-up models."""

import numpy as np
import pytest

from narrator_ray.errors import GenerationFailed
from narrator_ray.narration.length import count_words
from narrator_ray.narration.spoken_text import FINAL_PUNCTUATION, spoken_text, spoken_ticks
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


def write(automaton, window, model, closing_numbers=None, max_steps=4000):
    """Drive a writer greedily with ``model(ids) -> logits``."""
    writer = NarrationWriter(automaton, window, lambda scores: int(scores.argmax()), closing_numbers)
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
        assert writer.length == count_words(writer.text, language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_random_models_always_land_in_the_spoken_window(vocabulary, language):
    """The same for windows in spoken time, down to those that hold a word or two."""
    automaton = TokenAutomaton(vocabulary, language, "speech")
    rng = np.random.default_rng(2)
    for seed in range(20):
        low = int(rng.integers(60, 400))
        window = (low, low + int(rng.integers(50, 150)))
        model = random_model(seed, len(vocabulary.tokens), float(rng.choice([0.5, 2.0, 12.0])))
        writer = write(automaton, window, model)
        assert window[0] <= writer.length <= window[1]
        assert spoken_ticks(writer.text, language) == writer.length
        check_narration(writer.text, language, (1, 1000))


@pytest.mark.parametrize(("language", "shortest"), [("en", 1), ("zh", 2)])
def test_the_narrowest_windows_are_met(vocabulary, language, shortest):
    """One word in English, a character and its mark in Chinese, and every single length above."""
    automaton = TokenAutomaton(vocabulary, language)
    for length in range(shortest, shortest + 6):
        for seed in range(5):
            writer = write(automaton, (length, length), random_model(seed, len(vocabulary.tokens), 3.0))
            check_narration(writer.text, language, (length, length))


def test_a_window_below_any_sentence_is_refused(vocabulary):
    """The error names the window and says what to do."""
    with pytest.raises(GenerationFailed, match="0 to 1 characters; widen"):
        NarrationWriter(TokenAutomaton(vocabulary, "zh"), (0, 1), np.argmax)


class Script:
    """A model that wants to write one text after another, whatever it wrote before; unknown beginnings get the first.

    Args:
        automaton: Whose vocabulary.
        wishes: Beginning of a text -> what the model wants to follow, each with its logit.
    """

    def __init__(self, automaton, wishes):
        self._tokens = automaton.vocabulary.tokens
        self._wishes = wishes

    def __call__(self, ids):
        text = b"".join(self._tokens[index] for index in ids).decode()
        logits = np.full(len(self._tokens), -10.0, np.float32)
        beginning = max((start for start in self._wishes if text.endswith(start)), key=len)
        for wish, logit in self._wishes[beginning].items():
            logits[self._tokens.index(wish.encode())] = logit
        return logits


@pytest.fixture(scope="module")
def english():
    """An automaton over single bytes and a few whole words."""
    words = ["Buy", " the", " mug", " now", " and", " teach", " a", " wonder", "ful", ".", "!", "\n"]
    bytes_ = tuple(bytes([byte]) for byte in range(256))
    tokens = bytes_ + tuple(word.encode() for word in words if len(word) > 1)
    return TokenAutomaton(Vocabulary(tokens, np.array([ord("\n")])), "en")


def test_a_model_that_is_done_ends_its_sentence(english):
    """The wish for a line break without punctuation becomes punctuation."""
    model = Script(
        english, {"": {"Buy": 5}, "Buy": {" the": 5}, " the": {" mug": 5}, " mug": {"\n": 5}, ".": {"\n": 5}}
    )
    assert write(english, (2, 9), model).text == "Buy the mug."


def test_a_model_that_ends_too_early_goes_on(english):
    """Below the window neither a stop nor a glued word, but another word."""
    wishes = {
        "": {"Buy": 5},
        "Buy": {"\n": 9, "ful": 3, " the": 2},
        " the": {" mug": 5},
        " mug": {"\n": 9, "ful": 3, " now": 2},
        " now": {"\n": 9, "ful": 3, " and": 2},
    }
    assert write(english, (4, 4), Script(english, wishes)).text == "Buy the mug now."


def test_a_word_that_the_model_has_not_finished_is_finished_at_the_limit(english):
    """The last word may grow as long as the model wants it to more than anything else."""
    wishes = {
        "": {"Buy": 5},
        "Buy": {" wonder": 5},
        " wonder": {"ful": 5, " and": 1},
        "ful": {" and": 5},
        ".": {"\n": 5},
    }
    assert write(english, (2, 2), Script(english, wishes)).text == "Buy wonderful."


def test_a_full_window_goes_back_to_the_best_ending(english):
    """The dangling rest is given up for the place where the model would have liked to end."""
    wishes = {
        "": {"Buy": 9},
        "Buy": {" the": 9},
        " the": {" mug": 9},
        " mug": {" and": 9, ".": 8.9},
        " and": {" teach": 9},
        " teach": {" a": 9},
        " a": {" wonder": 9},
        " wonder": {" and": 9},
        ".": {"\n": 9},
    }
    assert write(english, (3, 6), Script(english, wishes)).text == "Buy the mug."


def test_a_window_without_a_good_ending_is_tried_another_way(english):
    """The turn the model nearly took leads to a sentence that ends well."""
    wishes = {
        "": {"Buy": 9},
        "Buy": {" the": 9},
        " the": {" wonder": 9, " mug": 8},
        " wonder": {" and": 9},
        " mug": {".": 9},
        ".": {"\n": 9},
    }
    assert write(english, (3, 3), Script(english, wishes)).text == "Buy the mug."


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (0, "Buy the mug and teach the wonder now."),
        (7, "Buy wonder and wonder and wonder and wonder."),
    ],
)
def test_a_window_without_a_passable_ending_is_tried_from_farther_back(english, point, expected):
    """Only what hardly is a sentence is given up for a turn that lies before its last words."""
    wishes = {
        "": {"Buy": 9},
        "Buy": {" wonder": 9, " the": 8},
        " wonder": {" and": 9, ".": point},
        " wonder and": {" wonder": 9},
        "Buy the": {" mug": 9},
        " mug": {" and": 9},
        " mug and": {" teach": 9},
        " teach": {" the": 9},
        " teach the": {" wonder": 9},
        " the wonder": {" now": 9},
        " now": {".": 9},
        ".": {"\n": 9},
    }
    assert write(english, (8, 8), Script(english, wishes)).text == expected


def test_decimals_are_not_cut_off(english):
    """A point after a digit is taken for an end only if no digits want to follow, even at the limit."""
    wishes = {
        "": {"Buy": 9},
        "Buy": {" ": 9},
        " ": {"1": 9},
        "1": {".": 9},
        "1.": {"5": 9},
        "5": {"\n": 9},
        ".": {"\n": 9},
    }
    assert write(english, (2, 2), Script(english, wishes)).text == "Buy 1.5."


def test_a_sentence_does_not_end_on_a_word_that_leads_on(english):
    """An end after "the" is only taken when nothing else is left."""
    wishes = {"": {"Buy": 9}, "Buy": {" the": 9}, " the": {".": 5, " mug": 4}, " mug": {".": 9}, ".": {"\n": 9}}
    assert write(english, (2, 6), Script(english, wishes)).text == "Buy the mug."


@pytest.mark.parametrize(
    ("closing_numbers", "expected"), [(None, "Buy 12."), (("12",), "Buy 12."), (("2",), "Buy mug.")]
)
def test_a_sentence_does_not_end_on_a_number_whose_word_is_missing(english, closing_numbers, expected):
    """In a full window a number that needs a word after it is no end where something else can be said."""
    wishes = {
        "": {"Buy": 9},
        "Buy": {" ": 9, " mug": 8},
        " ": {"1": 9},
        "1": {"2": 9},
        "2": {" wonder": 9.5, ".": 9},
        " mug": {".": 9},
        ".": {"\n": 9},
    }
    assert write(english, (2, 2), Script(english, wishes), closing_numbers).text == expected


def test_a_penalty_does_not_glue_words(english):
    """When the next word is marked down, another word follows, not the rest of some other word."""
    writer = NarrationWriter(english, (2, 9), lambda scores: int(scores.argmax()))
    model = Script(english, {"": {"Buy": 9}, "Buy": {" mug": 9, "ful": 4, " now": 3}})
    writer.step(model(()), model(()))
    logits = model(writer.ids)
    marked_down = logits.copy()
    marked_down[english.vocabulary.tokens.index(b" mug")] -= 30
    writer.step(logits, marked_down)
    assert writer.text == "Buy now"


def test_a_number_whose_word_has_no_room_does_not_grow_over_commas(english):
    """The unit that the model wants has no room: the number ends, or is not said, but is not made longer."""
    wishes = {"": {"Buy": 9}, "Buy": {" ": 9}, " ": {"4": 9}, "4": {" mug": 9, ",": 6, ".": 1}, ",": {"0": 9}}
    wishes |= {"0": {" mug": 9, ",": 6, ".": 1}, ".": {"\n": 9}}
    assert write(english, (2, 2), Script(english, wishes), ()).text == "Buy 4."


def test_a_comma_before_words_that_have_no_room_does_not_lengthen_a_number(english):
    """The model wants a pause after the number and goes on with words: the sentence ends before the pause."""
    wishes = {"": {"Buy": 9}, "Buy": {" ": 9}, " ": {"4": 9}, "4": {",": 9}, ",": {" now": 9}}
    wishes |= {"0": {"0": 9, ".": 8}, "000": {".": 9}, ".": {"\n": 9}}
    assert write(english, (2, 2), Script(english, wishes)).text == "Buy 4."


def test_thousands_are_written_in_a_full_window(english):
    """A comma after a digit is written where the model wants it most of all."""
    wishes = {"": {"Buy": 9}, "Buy": {" ": 9}, " ": {"4": 9}, "4": {",": 9}, ",": {"0": 9}, "0": {"0": 9, ".": 8}}
    wishes |= {"000": {".": 9}, ".": {"\n": 9}}
    assert write(english, (2, 2), Script(english, wishes)).text == "Buy 4,000."


def test_numbers_do_not_grow_without_end(english):
    """A model that loves zeros writes a short number."""
    wishes = {"": {"Buy": 9}, "Buy": {" ": 9}, " ": {"1": 9}, "0": {"0": 9, "\n": 0}, "1": {"0": 9}, ".": {"\n": 9}}
    text = write(english, (2, 4), Script(english, wishes)).text
    assert len(text.split()[1]) <= 13


def test_numbers_do_not_grow_over_commas_in_a_full_window(english):
    """When no word has room after it, a number ends at its limit, though each comma could be followed by a digit."""
    wishes = {"": {"Buy": 9}, "Buy": {" ": 9}, " ": {"1": 9}, "0": {",": 9}, "1": {",": 9}, ",": {"0": 9}}
    text = write(english, (2, 2), Script(english, wishes), max_steps=200).text
    assert len(text.split()[1]) <= 13
