"""How narrations and their sentences began."""

import pytest

from narrator_ray.narration.openings import Openings

TOKENS = [
    b" ",
    b" See",
    b" Watch",
    b" it",
    b" sway",
    b".",
    b"!",
    b"",
    "这".encode(),
    "款".encode(),
    "。".encode(),
    b"2",
]
SPACE, SEE, WATCH, IT, SWAY, POINT, MARK, SPECIAL, THIS, KIND, CIRCLE, TWO = range(len(TOKENS))


@pytest.fixture
def openings():
    """Of an English story with two narrations."""
    openings = Openings(TOKENS, "en")
    openings.tell([SEE, IT, SWAY, POINT, WATCH, IT, MARK])
    openings.tell([SPACE, SPECIAL, SEE, IT])
    return openings


@pytest.mark.parametrize("written", [[], [SPACE], [SPECIAL]])
def test_a_narration_is_compared_with_those_of_the_story(openings, written):
    """By the first token that says something; how their further sentences began does not matter."""
    assert openings.used(written) == {SEE: 2}


@pytest.mark.parametrize("gap", [[], [SPACE]])
def test_a_sentence_is_compared_with_those_of_its_narration(openings, gap):
    """Whatever the story told before."""
    assert openings.used([WATCH, IT, POINT, SEE, IT, MARK, *gap]) == {WATCH: 1, SEE: 1}
    assert openings.used([WATCH, IT, POINT, WATCH, POINT, *gap]) == {WATCH: 2}


def test_inside_a_sentence_nothing_is_compared(openings):
    """Also after a blank."""
    assert openings.used([WATCH]) == openings.used([SEE, POINT, SEE, SPACE]) == {}


def test_decimals_begin_no_sentence():
    """They are neither marked down because a sentence began with that digit, nor remembered as a beginning."""
    openings = Openings(TOKENS, "en", {TWO})
    assert openings.used([SPACE, TWO, IT, POINT, SPACE, TWO, POINT]) == {}
    assert openings.used([SPACE, TWO, IT, POINT, SPACE]) == {TWO: 1}
    assert openings.used([SEE, SPACE, TWO, POINT, TWO, IT, POINT]) == {SEE: 1}


def test_marks_of_the_language_end_a_sentence():
    """Of several bytes, too."""
    openings = Openings(TOKENS, "zh")
    openings.tell([THIS, KIND, CIRCLE, KIND])
    assert openings.used([]) == {THIS: 1}
    assert openings.used([KIND, CIRCLE]) == {KIND: 1}
    assert openings.used([KIND, POINT]) == {}


def test_a_narration_that_says_nothing_is_not_remembered():
    """Neither none at all."""
    openings = Openings(TOKENS, "en")
    openings.tell([])
    openings.tell([SPACE, SPECIAL])
    assert openings.used([]) == {}
