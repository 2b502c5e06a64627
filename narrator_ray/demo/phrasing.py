"""Sentences from a phrasebook's lines: rules are replaced, optional parts kept or left out, slots filled.

    {slot}     replaced by one of the slot's phrases, in which slots are filled again
    <rule>     replaced by one of the rule's lines
    [words]    kept or left out; may be nested

Knows neither products nor clips.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from narrator_ray.demo.tables import Phrases

_RULE = re.compile(r"<(\w+)>")
_SLOT = re.compile(r"\{(\w+)\}")
_INNERMOST_OPTION = re.compile(r"\[([^\[\]]*)\]")
_SENTENCE_START = re.compile(r"(^|[.!?] )([a-z])")
_DEEPEST = 4


def phrase(line: str, rules: Mapping[str, Phrases], slots: Mapping[str, Phrases], rng: Random) -> str | None:
    """One way to say a line, or None when the draw needs a slot that is empty."""
    text = _with_options(_with_rules(line, rules, rng), rng)
    for _ in range(_DEEPEST):
        names = set(_SLOT.findall(text))
        if not names:
            return _as_sentences(text)
        if not all(slots.get(name) for name in names):
            return None
        text = _SLOT.sub(lambda match: rng.choice(slots[match.group(1)]), text)
    return None


def _with_rules(line: str, rules: Mapping[str, Phrases], rng: Random) -> str:
    while _RULE.search(line):
        line = _RULE.sub(lambda match: rng.choice(rules[match.group(1)]), line)
    return line


def _with_options(line: str, rng: Random) -> str:
    while _INNERMOST_OPTION.search(line):
        line = _INNERMOST_OPTION.sub(lambda match: match.group(1) if rng.random() < 0.5 else "", line)
    return line


def _as_sentences(text: str) -> str:
    """White space and capitals put right; a colon, which nobody can hear, ends a sentence."""
    joined = " ".join(text.replace(":", ".").split())
    return _SENTENCE_START.sub(lambda match: match.group(1) + match.group(2).upper(), joined)
