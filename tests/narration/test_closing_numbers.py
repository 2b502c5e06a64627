"""Numbers that may end a sentence."""

import pytest

from narrator_ray.narration.closing_numbers import closing_numbers, last_number


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("counts 12,000 steps", set()),
        ("focuses in 0.3 seconds", set()),
        ("a 12-inch wheel", set()),
        ("3000毫安电池", set()),
        ("just $57", set()),
        ("made since 1998", {"1998"}),
        ("holds 1.5, or 2.", {"1.5", "2"}),
        ("cuts noise by 30% on trains", {"30"}),
        ("tested to ISO-9001", set()),
    ],
)
def test_a_number_without_a_word_after_it_may_end_a_sentence(fact, expected):
    """Units and goods belong to their number; money and the number of a name are judged as any other word."""
    assert closing_numbers(["Norvale Mug", fact]) == expected


def test_one_place_without_a_word_is_enough():
    """The model number of a product may end a sentence, whatever else there are so many of."""
    assert closing_numbers(["Ferro 5", "5 speeds", "8 hours"]) == {"5"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("These shoes have 12,000", "12,000"),
        ("It focuses in 0.3%", "0.3"),
        ("It costs $57", ""),
        ("A 12-inch wheel", ""),
        ("它有3000", "3000"),
        ("", ""),
    ],
)
def test_the_number_at_the_end_of_a_text(text, expected):
    """Percent signs do not count; money is none."""
    assert last_number(text) == expected
