"""Lines of the phrasebook as said over a shot, and the memory of what a film has said, so that nothing is told twice.

Knows neither script labels nor lengths.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from random import Random

from narrator_ray.demo.phrasing import phrase
from narrator_ray.demo.slots import Slots
from narrator_ray.demo.tables import Phrases, market

PRODUCT, COLOUR, SCENE, MOTION = "product", "colour", "scene", "motion"
ATTRIBUTES = (PRODUCT, COLOUR, SCENE, MOTION)
LOOKING_BACK = "looking_back"
_NAMES_PRODUCT = ("name", "noun", "container", "good")
_NAMED_BY = dict.fromkeys(_NAMES_PRODUCT, PRODUCT) | {
    "colour": COLOUR,
    "scene": SCENE,
    "watch": MOTION,
    "doing": MOTION,
    "earlier": LOOKING_BACK,
}
"""Slot to what is named by it."""
_NEVER_SAID_TWICE = (SCENE, MOTION)
_MOST_PRODUCT_NAMES = 2
_RUN_WORDS = 4
_WORD = re.compile(r"[\w$%'-]+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the phrasebook as it was said.

    Attributes:
        source: The line as it stands in the phrasebook.
        text: What is spoken.
        filled: Every slot and its phrase.
    """

    source: str
    text: str
    filled: tuple[tuple[str, str], ...]

    @property
    def names(self) -> Counter[str]:
        """How often each attribute is named, and how often it looks back."""
        return Counter(_NAMED_BY[slot] for slot, _ in self.filled if slot in _NAMED_BY)

    @property
    def facts(self) -> tuple[str, ...]:
        """The product's facts it tells."""
        categories = market().categories
        return tuple(words for slot, words in self.filled if slot.removesuffix("2") in categories)

    @property
    def phrases(self) -> set[str]:
        """How it speaks of place and motion."""
        return {words for slot, words in self.filled if _NAMED_BY.get(slot) in _NEVER_SAID_TWICE}

    @property
    def runs(self) -> set[tuple[str, ...]]:
        """All runs of four words, the product's name counting as one."""
        text = self.text.lower()
        for slot, words in self.filled:
            if slot == "name":
                text = text.replace(words.lower(), "name")
        words_ = _WORD.findall(text)
        return set(zip(*(words_[start:] for start in range(_RUN_WORDS)), strict=False))


@dataclass(slots=True)
class Told:
    """Everything a film has said so far."""

    sources: set[str] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)
    phrases: set[str] = field(default_factory=set)
    runs: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, line: Line) -> None:
        """Remember a line."""
        self.sources.add(line.source)
        self.facts.update(line.facts)
        self.phrases |= line.phrases
        self.runs |= line.runs

    def is_news(self, line: Line) -> bool:
        """Whether a line says nothing that was said in the same words before."""
        if line.source in self.sources or self.phrases & line.phrases or not self.facts.isdisjoint(line.facts):
            return False
        return self.runs.isdisjoint(line.runs)


def say(rng: Random, source: str, rules: dict[str, Phrases], slots: Slots) -> Line | None:
    """A line of the phrasebook, said; None when the draw needs a slot that is empty."""
    said = phrase(source, rules, slots, rng)
    return None if said is None else Line(source, said.text, said.filled)


def names_of(lines: Sequence[Line]) -> Counter[str]:
    """How often several lines name each attribute and look back."""
    return Counter(chain.from_iterable(line.names.elements() for line in lines))


def stammer(lines: Sequence[Line]) -> bool:
    """Whether lines spoken one after the other name one thing twice in the same way, or tell one fact twice."""
    slots = Counter(slot for line in lines for slot, _ in line.filled if slot in _NAMED_BY)
    if any(slots[slot] > 1 for slot in _NAMES_PRODUCT):
        return True
    names, facts = names_of(lines), [fact for line in lines for fact in line.facts]
    return (
        any(names[name] > 1 for name in (COLOUR, SCENE, MOTION, LOOKING_BACK))
        or names[PRODUCT] > _MOST_PRODUCT_NAMES
        or len(set(facts)) < len(facts)
    )
