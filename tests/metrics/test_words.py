"""Words are what jieba cuts, in Chinese, and what stands between white space, in English."""

import subprocess
import sys

import pytest

from narrator_ray.errors import ConfigError
from narrator_ray.metrics.words import CONTENT, JiebaTagger, TaggedWord, word_tagger, words_tagged
from tests.metrics.golden import needs_golden, recorded, tagger


def test_english_words_lose_the_punctuation_around_them():
    """Inside a word it stays; bare punctuation is no word."""
    words = word_tagger("en").tag("Keeps coffee hot - for 2 hours, it’s well-made!")
    assert [word.text for word in words] == ["keeps", "coffee", "hot", "for", "2", "hours", "it's", "well-made"]


def test_english_content_words_are_long_and_tie_nothing_together():
    """The rule is simple: three letters or more, not one of the listed words."""
    words = word_tagger("en").tag("It keeps the coffee hot for 200 hours and is my cup")
    assert words_tagged(words, frozenset({CONTENT})) == ("keeps", "coffee", "hot", "hours", "cup")


def test_chinese_words_come_with_their_tags():
    """Punctuation is a word of its own."""
    words = word_tagger("zh").tag("这款面霜很滋润。")
    assert [word.text for word in words] == ["这", "款", "面霜", "很", "滋润", "。"]
    assert words[2] == TaggedWord("面霜", "n")


def test_a_user_dictionary_adds_words(tmp_path):
    """A tagger with one does not change the tagger without."""
    dictionary = tmp_path / "words.txt"
    dictionary.write_text("红景天苷精华 l\n", encoding="utf-8")
    text = "含红景天苷精华。"
    assert TaggedWord("红景天苷精华", "l") in JiebaTagger(str(dictionary)).tag(text)
    assert TaggedWord("红景天苷精华", "l") not in word_tagger("zh").tag(text)


def test_an_unreadable_dictionary_is_named(tmp_path):
    """The file, and what is wrong."""
    broken = tmp_path / "words.txt"
    broken.write_bytes(b"\xff\xfe\xfa")
    for file in (broken, tmp_path / "absent.txt"):
        with pytest.raises(ConfigError, match=file.name):
            JiebaTagger(str(file))


def test_jieba_is_quiet_and_shares_no_file(tmp_path):
    """No line on stderr, with all warnings on; nothing in the temporary folder."""
    code = "from narrator_ray.metrics.words import word_tagger; print(len(word_tagger('zh').tag('红色的杯子')))"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert result.stderr == ""
    assert list(tmp_path.iterdir()) == []


@needs_golden
def test_words_are_those_of_the_released_code():
    """With the released user dictionary, as for repetition."""
    expected = recorded("expected_intra_repeat.json.gz")["raw_segmentation"]
    entries = recorded("output.json")
    for key, words in expected.items():
        assert [word.text for word in tagger(True).tag(entries[key]["0.1"])] == words, key
