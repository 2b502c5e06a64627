"""Words of a text with what kind of word each is.

Chinese is cut and tagged by jieba, with its model for words that its dictionary lacks. English is cut at white space;
a word is ``content`` unless it is short, a number or one of the words that only tie others together.

Source: released code, which uses jieba's tags; the English rule is ours.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from narrator_ray.errors import ConfigError
from narrator_ray.records import Language

CONTENT: Final = "content"
FUNCTION: Final = "function"
_SHORTEST_CONTENT: Final = 3
_FUNCTION_WORDS_EN = """
about above after all also although and any are aren't because been before being below between both but can can't
could did does doesn't doing don't down during each few for from further had has have having her here hers him his
how i'll i'm i've into isn't it's its itself just let let's like more most much must myself nor not now off once
only onto other our ours out over own same shall she should some such than that that's the their theirs them then
there these they they're this those through too under until upon very was wasn't we'll we're we've were what when
where which while who whom whose why will with won't would you you'll you're you've your yours yourself
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_EN.split())
_EDGES = re.compile(r"^\W+|\W+$")


@dataclass(frozen=True, slots=True)
class TaggedWord:
    """One word of a text.

    Attributes:
        text: The word.
        tag: jieba's tag ("n", "v", ...), or ``CONTENT`` or ``FUNCTION`` in English.
    """

    text: str
    tag: str


class WordTagger(Protocol):
    """Cuts a text into words and tags them."""

    def tag(self, text: str) -> tuple[TaggedWord, ...]:
        """Every word of the text, in order."""
        ...


@cache
def word_tagger(language: Language, user_dictionary: str | None = None) -> WordTagger:
    """The tagger of a language; made once, as jieba takes a second or more to read its dictionary.

    Args:
        language: Of the texts.
        user_dictionary: File in jieba's format that adds Chinese words, one ``word [frequency] [tag]`` a line.

    Raises:
        ConfigError: The dictionary cannot be read.
    """
    return EnglishTagger() if language == "en" else JiebaTagger(user_dictionary)


def words_tagged(words: Sequence[TaggedWord], tags: frozenset[str]) -> tuple[str, ...]:
    """The words that have one of the tags, in order, repeated ones included."""
    return tuple(word.text for word in words if word.tag in tags)


class EnglishTagger:
    """White-space words without the punctuation around them, in lower case."""

    def tag(self, text: str) -> tuple[TaggedWord, ...]:
        """Every word of the text, in order; bare punctuation is none."""
        words = (_EDGES.sub("", word) for word in text.lower().replace("’", "'").split())
        return tuple(TaggedWord(word, _english_tag(word)) for word in words if word)


class JiebaTagger:
    """jieba's words and tags.

    Its dictionary is read anew in every process: jieba would otherwise share it through a file in the temporary folder
    that anybody may have written.

    Args:
        user_dictionary: As in :func:`word_tagger`.
    """

    def __init__(self, user_dictionary: str | None = None) -> None:
        jieba, posseg = _import_jieba()
        words = jieba.Tokenizer()
        words.FREQ, words.total = words.gen_pfdict(words.get_dict_file())
        words.initialized = True
        if user_dictionary is not None:
            _add_words(words, user_dictionary)
        self._tagger = posseg.POSTokenizer(words)

    def tag(self, text: str) -> tuple[TaggedWord, ...]:
        """Every word of the text, in order, punctuation included."""
        return tuple(TaggedWord(pair.word, pair.flag) for pair in self._tagger.cut(text))


def _english_tag(word: str) -> str:
    is_content = len(word) >= _SHORTEST_CONTENT and word not in _FUNCTION_WORDS and any(map(str.isalpha, word))
    return CONTENT if is_content else FUNCTION


def _import_jieba() -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # escapes and packaging calls that newer Pythons warn of
        import jieba
        from jieba import posseg
    return jieba, posseg


def _add_words(words: Any, user_dictionary: str) -> None:
    try:
        with Path(user_dictionary).open("rb") as stream:
            words.load_userdict(stream)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{user_dictionary}: not a user dictionary of jieba: {error}") from error
