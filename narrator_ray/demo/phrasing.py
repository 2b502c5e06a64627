"""Sentences from a phrasebook's lines: rules are replaced, optional parts kept or left out, slots filled.

    {slot}     replaced by one of the slot's phrases, in which slots are filled again
    <rule>     replaced by one of the rule's lines
    [words]    kept or left out; may be nested
    a(n)       the indefinite article that suits the next word

Knows neither products nor clips.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from narrator_ray.demo.tables import Phrases

_RULE = re.compile(r"<(\w+)>")
_SLOT = re.compile(r"\{(\w+)\}")
_INNERMOST_OPTION = re.compile(r"\[([^\[\]]*)\]")
_ARTICLE = re.compile(r"a\(n\) (?=(\w+))")
_SOUNDS_LIKE_A_VOWEL = re.compile(r"(?!uk|uni|use|eu|one)[aeiou]", re.IGNORECASE)
_SENTENCE_START = re.compile(r"(^|[.!?] )([a-z])")
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Phrase:
    """Sentences that were put together.

    Attributes:
        text: The sentences.
        filled: Every slot that was filled and its phrase, in no particular order.
    """

    text: str
    filled: tuple[tuple[str, str], ...]


def phrase(line: str, rules: Mapping[str, Phrases], slots: Mapping[str, Phrases], rng: Random) -> Phrase | None:
    """One way to say a line, or None when the draw needs a slot that is empty."""
    text = _with_options(_with_rules(line, rules, rng), rng)
    filled: list[tuple[str, str]] = []

    def fill(match: re.Match[str]) -> str:
        words = rng.choice(slots[match[1]])
        filled.append((match[1], words))
        return words

    for _ in range(_DEEPEST):
        names = set(_SLOT.findall(text))
        if not names:
            return Phrase(_as_sentences(text), tuple(filled))
        if not all(slots.get(name) for name in names):
            return None
        text = _SLOT.sub(fill, text)
    return None


def needed_slots(line: str) -> set[str]:
    """The slots that a line names itself and cannot leave out."""
    while _INNERMOST_OPTION.search(line):
        line = _INNERMOST_OPTION.sub("", line)
    return set(_SLOT.findall(line))


def article(word: str) -> str:
    """The indefinite article before a word."""
    return "an" if _SOUNDS_LIKE_A_VOWEL.match(word) else "a"


def _with_rules(line: str, rules: Mapping[str, Phrases], rng: Random) -> str:
    while _RULE.search(line):
        line = _RULE.sub(lambda match: rng.choice(rules[match[1]]), line)
    return line


def _with_options(line: str, rng: Random) -> str:
    while _INNERMOST_OPTION.search(line):
        line = _INNERMOST_OPTION.sub(lambda match: match[1] if rng.random() < 0.5 else "", line)
    return line


def _as_sentences(text: str) -> str:
    """White space, articles and capitals put right; a colon, which nobody can hear, ends a sentence."""
    joined = " ".join(text.replace(":", ".").split())
    joined = _ARTICLE.sub(lambda match: f"{article(match[1])} ", joined)
    return _SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), joined)
