"""By which words a reader recognises what the storefront speaks of: colours, scenes, motions, products, facts.

Made from the storefront's tables; knows no particular film.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from narrator_ray.demo.other_scripts import other_phrases
from narrator_ray.demo.products import facts_of
from narrator_ray.demo.tables import forms, kinds, market, phrasebook, vocabulary

_CHOICE = re.compile(r"\{([^{}]*)\}")
_NUMBER = r"\d+(?:[.,]\d+)*"
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_DETERMINERS = ("this", "these", "the", "that", "those", "your", "our", "a", "an", "each", "every", "of", "same")


@dataclass(frozen=True, slots=True)
class FactPattern:
    """A fact of the storefront with whatever numbers.

    Attributes:
        needle: Its longest part without a number; a text without it need not be searched.
        pattern: Matches the fact in lower case, at word boundaries.
    """

    needle: str
    pattern: re.Pattern[str]


@cache
def fact_patterns() -> tuple[FactPattern, ...]:
    """Every fact that any product of the storefront may have."""
    templates = {template for name in kinds() for templates in facts_of(name).values() for template in templates}
    return tuple(_fact_pattern(template.lower()) for template in sorted(templates))


@cache
def colour_pattern() -> re.Pattern[str]:
    """A colour by its plain name; the first group is the name."""
    return at_words(vocabulary().colour)


@cache
def scene_words() -> dict[str, str]:
    """Word or words to the scene they name."""
    return {word: scene for scene, words in vocabulary().known_scene.items() for word in words}


@cache
def motion_words() -> dict[str, str]:
    """Word or words to the motion they name."""
    return {word: motion for motion, words in vocabulary().known_motion.items() for word in words}


def at_words(words: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the words where no letter or digit adjoins, the longest first."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)")


@cache
def noun_pattern() -> re.Pattern[str]:
    """A product spoken of: its noun after a determiner or a colour, or a plural; the first filled group is the noun.

    A noun that stands alone ("bag" in "clips to a gym bag") is not taken for the product.
    """
    nouns = {noun.lower() for kind in kinds().values() for noun in (*kind.nouns, kind.good)}
    plurals = {noun.lower() for kind in kinds().values() if kind.is_plural for noun in kind.nouns}
    colours = {phrase for phrases in vocabulary().colour.values() for phrase in phrases}
    lead = f"(?:(?:{'|'.join(_DETERMINERS)})(?: same)?(?: (?:{_either(colours)}))?|{_either(colours)})"
    return re.compile(rf"(?<!\w)(?:{lead} ({_either(nouns)})|({_either(plurals)}))(?!\w)")


@cache
def common_words() -> frozenset[str]:
    """All words that the storefront's phrasings use for whatever product."""
    words = vocabulary()
    texts = [phrase for phrases in (*words.colour.values(), *words.scene.values()) for phrase in phrases]
    texts += [phrase for phrases in (*words.watch.values(), *words.doing.values()) for phrase in phrases]
    texts += [form for by_number in words.agreement.values() for form in by_number]
    texts += ["a", "an", *(kind.each for kind in kinds().values())]
    for shown in ("itself", "packed", "served"):
        book = phrasebook(shown)
        lines = (*book.rules.values(), *book.labels.values(), book.colour_variant)
        texts += [_without_slots(line) for some in lines for line in some]
    return frozenset(words_of(" ".join(texts)))


@cache
def other_words() -> frozenset[str]:
    """All words that are used of goods that the storefront does not sell, whatever they are."""
    return frozenset(words_of(" ".join(map(_without_slots, other_phrases()))))


def _without_slots(line: str) -> str:
    return re.sub(r"\{\w+\}|<\w+>", " ", line)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without numbers."""
    return _WORD.findall(text.lower())


def own_nouns(kind_name: str) -> frozenset[str]:
    """What a product of a kind may be called; kids' sunglasses are sunglasses too."""
    kind = kinds()[kind_name]
    nouns = [noun.lower() for noun in (*kind.nouns, kind.good, *forms()[kind.form].nouns)]
    return frozenset([*nouns, *(noun.split()[-1] for noun in nouns)])


@cache
def brand_pattern() -> re.Pattern[str]:
    """A brand of the storefront, in its own spelling."""
    return at_words(market().brands)


def _either(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))


def _fact_pattern(template: str) -> FactPattern:
    parts = _CHOICE.split(template)
    literals, choices = parts[::2], parts[1::2]
    pattern = re.escape(literals[0])
    for options, literal in zip(choices, literals[1:], strict=True):
        pattern += f"(?:{_any_of(options.split('|'))}){re.escape(literal)}"
    return FactPattern(max(literals, key=len).strip(), re.compile(rf"(?<![\w$]){pattern}(?!\w|[.,]\d)"))


def _any_of(options: list[str]) -> str:
    return _NUMBER if all(option[0].isdigit() for option in options) else _either(options)
