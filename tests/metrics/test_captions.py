"""Texts become the tokens that are compared: the model's ids as released, characters or words as standard."""

import pytest

from narrator_ray.metrics.captions import released_tokens, standard_tokens
from tests.metrics.golden import SHARED, needs_golden, recorded


def code_points(text: str) -> list[int]:
    """A tokenizer that any hand can compute."""
    return [ord(character) for character in text]


def characters(tokens: tuple[str, ...]) -> str:
    """Inverse of the tokens of :func:`code_points`."""
    return "".join(chr(int(token)) for token in tokens)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("很滋润的霜", "很滋润的霜。"),
        ("很滋润的霜。", "很滋润的霜。"),
        ("很滋润。。霜", "很滋润。霜。"),
        ("滋润。。。", "滋润。。"),
        ("真好用！", "真好用！。"),
    ],
)
def test_released_texts_end_with_one_full_stop(text, read):
    """Added where there is none; pairs become one in a single pass."""
    assert characters(released_tokens(text, code_points)) == read


@pytest.mark.parametrize("text", ["", "好", "真好用"])
def test_released_leaves_short_texts_out(text):
    """Under four characters there is no score."""
    assert released_tokens(text, code_points) is None


def test_standard_chinese_tokens_are_characters_and_whole_latin_words():
    """Punctuation is left out and letter case ignored."""
    assert standard_tokens("含S.F.E精华98.5%，OK！", "zh") == ("含", "s.f.e", "精", "华", "98.5", "ok")


def test_standard_english_tokens_are_words():
    """As they stand between white space."""
    assert standard_tokens("It's hot - for 2 hours!", "en") == ("it's", "hot", "for", "2", "hours")


@needs_golden
def test_tokens_are_those_of_the_released_code():
    """With the recorded tokenizer, every text of the recorded output."""
    from sentencepiece import SentencePieceProcessor

    encode = SentencePieceProcessor(model_file=str(SHARED / "golden" / "tokenizer_ch" / "tokenizer.model")).encode
    expected = recorded("out_tokens.json.gz")
    for key, entry in recorded("output.json").items():
        for field in ("gt", "0.1"):
            tokens = released_tokens(entry[field], encode) if field in entry and "gt" in entry else None
            found = expected[key].get(field)
            assert tokens == (None if found is None else tuple(map(str, found))), (key, field)
