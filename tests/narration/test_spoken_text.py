"""The grammar of what can be spoken."""

import pytest

from narrator_ray.narration.spoken_text import spoken_text, spoken_ticks


def reads(text, language):
    """Whether the text is dead, whether it may stop there, and its count."""
    automaton = spoken_text(language)
    state, count = automaton.read(text.encode())
    return state > 0, bool(automaton.is_end_S[state]), count


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("Go.", "en", 1),
        (" It's a well-known café, isn't it?", "en", 6),
        ("Save 1.5, or 0.5% of 2.5kg.", "en", 6),
        ("The kids' mug, and 2 hours’ rest.", "en", 7),
        ("It costs $1.50, or 20% less! Buy 1,000.", "en", 8),
        ("Runs at 5V for 1.5 hours.", "en", 6),
        ("好。", "zh", 2),
        ("只要9.9元，用iPhone 15就能买！", "zh", 20),
        ("好喝，不贵。来一杯？", "zh", 10),
    ],
)
def test_sentences_end_and_are_counted(text, language, count):
    """Whole sentences may stop, and count as readers count."""
    assert reads(text, language) == (True, True, count)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Two  spaces", "en"),
        ("Space before .", "en"),
        ("A - dash", "en"),
        ("Twice..", "en"),
        ("A 'quoted' word", "en"),
        ("Kids'.", "en"),
        ("Only 0.3,000.", "en"),
        ("Line\nbreak", "en"),
        ("Bold **word**", "en"),
        ("Smile 🙂", "en"),
        ("Glued.Sentence", "en"),
        ("1. First", "en"),
        ("Buy it. 2. Use it.", "en"),
        ("small start", "en"),
        ("Costs $ five", "en"),
        ("Mixed 好", "en"),
        ("你 好", "zh"),
        ("，好", "zh"),
        ("好。。", "zh"),
        ("好.", "zh"),
        ("“好”", "zh"),
    ],
)
def test_what_cannot_be_spoken_is_dead(text, language):
    """No layout, markup, lists or stray punctuation."""
    assert not reads(text, language)[0]


@pytest.mark.parametrize(
    ("text", "language"),
    [("Not yet", "en"), ("Not yet,", "en"), ("Open-", "en"), ("It is 5%", "en"), ("还没", "zh"), ("价格9.", "zh")],
)
def test_no_text_stops_without_final_punctuation(text, language):
    """Alive, but not an end."""
    alive, may_stop, _ = reads(text, language)
    assert alive
    assert not may_stop


def test_a_point_between_digits_is_no_end():
    """After the decimals the sentence goes on; without them the point was its end."""
    assert reads("It holds 1.", "en") == (True, True, 3)
    assert reads("It holds 1.5", "en") == (True, False, 3)
    assert reads("It holds 1.5 litres.", "en") == (True, True, 4)


def test_half_a_character_is_neither_dead_nor_an_end():
    """The bytes of a character may come one by one, and it counts once."""
    automaton = spoken_text("zh")
    first, second, third = "好".encode()
    for part in (bytes([first]), bytes([first, second])):
        state, count = automaton.read(part)
        assert state > 0
        assert not automaton.is_end_S[state] and not automaton.is_word_S[state]
        assert count == 0
    assert automaton.read(bytes([first, second, third]))[1] == 1


@pytest.mark.parametrize(
    ("text", "language", "ticks"),
    [
        ("Buy it.", "en", 5 * 6),
        ("Buy it, now.", "en", 8 * 6 + 26),
        ("Buy it. Now!", "en", 8 * 6 + 40),
        ("Only 1.5 or 1,000.", "en", 6 * 6 + 2 * 45 + 30 + 4 * 45),
        ("Just 9.9. Now!", "en", 7 * 6 + 2 * 45 + 30 + 40),
        ("Save 20% of $5!", "en", 6 * 6 + 3 * 45 + 55 + 45),
        ("好喝，不贵。来！", "zh", 5 * 35 + 29 + 18),
        ("用USB充20%电", "zh", 3 * 35 + 3 * 5 + 2 * 27 + 55),
        ('Say "hi" now', "en", 8 * 6),
        ("", "en", 0),
    ],
)
def test_spoken_time_is_a_sum_over_characters_and_pauses(text, language, ticks):
    """Marks at the very end cost nothing, figures are said in words, unknown marks are passed over."""
    assert spoken_ticks(text, language) == ticks
