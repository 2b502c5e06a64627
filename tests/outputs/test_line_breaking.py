"""Captions: how wide, how many lines, broken where."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrator_ray.outputs.line_breaking import LINE_COLUMNS, break_into_captions, columns_of

WORDS = st.lists(st.text("abcdeé1,.!保湿，。🧴", min_size=1, max_size=60), max_size=60)


def test_short_text_is_one_line():
    """A text that fits a line is not broken."""
    assert break_into_captions("Cold for 24 hours.", 42) == [("Cold for 24 hours.",)]


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_blank_text_has_no_captions(text):
    """White space alone gives nothing to show."""
    assert break_into_captions(text, 42) == []


def test_two_lines_are_balanced():
    """The two lines of a caption are of similar length rather than first full, then a stub."""
    [(top, bottom)] = break_into_captions("Soft light falls on the page and leaves every corner dark", 42)
    assert abs(len(top) - len(bottom)) <= 8


def test_line_ends_at_comma_not_after_article():
    """A line rather ends with a clause than with a word that belongs to the next."""
    [(top, bottom)] = break_into_captions("Brushed steel inside and out, so the water tastes of nothing.", 42)
    assert top == "Brushed steel inside and out,"
    assert bottom == "so the water tastes of nothing."


def test_captions_end_at_sentences():
    """A text of two long sentences becomes one caption for each."""
    first = "The handle stays cool while the soup is simmering on the stove top."
    second = "The lid locks with a gentle click and opens with only one hand."
    captions = break_into_captions(f"{first} {second}", 42)
    assert [" ".join(lines) for lines in captions] == [first, second]


def test_chinese_lines_are_at_most_16_characters():
    """Chinese is broken between characters, never before closing or after opening punctuation."""
    text = "这款保湿面霜质地轻盈不油腻，涂在脸上一抹化水，二十四小时持续锁住水分，让你的“肌肤”从早到晚都水润透亮。"
    lines = [line for caption in break_into_captions(text, LINE_COLUMNS["zh"]) for line in caption]
    assert max(map(len, lines)) <= 16
    assert "".join(lines) == text
    assert not any(line[0] in "，。”" or line[-1] in "“" for line in lines)


def test_latin_words_inside_chinese_stay_whole():
    """A brand name between Chinese characters is not cut."""
    captions = break_into_captions("送你一个超级好用的原装进口iPhone手机支架现在下单立减五十元", LINE_COLUMNS["zh"])
    assert any("iPhone" in line for caption in captions for line in caption)


def test_joined_emoji_stay_whole():
    """An emoji made of several joined characters is never taken apart."""
    astronaut = "👩‍🚀"
    lines = [line for caption in break_into_captions(astronaut * 30, 32) for line in caption]
    assert all(line.count(astronaut) * len(astronaut) == len(line) for line in lines)


def test_word_wider_than_a_line_is_cut():
    """A web address without spaces is cut rather than drawn beyond the picture."""
    lines = [line for caption in break_into_captions("x" * 100, 42) for line in caption]
    assert "".join(lines) == "x" * 100
    assert max(map(len, lines)) <= 42


@settings(deadline=None)
@given(WORDS, st.sampled_from(sorted(LINE_COLUMNS.values())))
def test_every_text_fits_and_nothing_is_lost(words, max_columns):
    """Whatever the text: at most two lines, none too wide, none empty, and every character is there in order."""
    captions = break_into_captions(" ".join(words), max_columns)
    lines = [line for caption in captions for line in caption]
    assert all(1 <= len(caption) <= 2 for caption in captions)
    assert all(line and columns_of(line) <= max_columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(words)
