"""What a narration tells of a product's facts and what it makes up: as much of a reading as needs no picture.

For any product; written with the storefront's in mind, whose facts are all known. Its limits:

- A fact is told when all its numbers and most of its words are there (see outputs/mentions.py); one that is denied
  counts as told.
- Made up is: a fact of the storefront that the product does not have, word for word but for its numbers; a number that
  its data does not hold, or holds of something else; a brand of the storefront that is not its own. Claims in words
  that no product has are not recognised as such; ``strange_words`` lists what neither the phrasebook nor the product's
  data holds.
- Numbers in words ("two hours") are not compared with numbers in digits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from narrator_ray.demo.lexicon import (
    brand_pattern,
    common_words,
    fact_patterns,
    motion_words,
    noun_pattern,
    scene_words,
    words_of,
)
from narrator_ray.outputs.mentions import number_spans, used_points
from narrator_ray.records import Product

_BLANK = " | "
"""Stands where a fact or a name was, so that words to its left and right are not taken for neighbours."""
_NUMBER_AND_NEXT = re.compile(r"([$]?\d+(?:[.,]\d+)*%?)(?:[ -]([^\W\d_]+))?")


@dataclass(frozen=True, slots=True)
class FactReading:
    """What a narration says of facts.

    Attributes:
        told: The product's facts that it tells.
        contradicted: Statements that are those of the product's facts but for a number or a word.
        invented: Facts, numbers and brands that the product's data does not hold.
        brands: Those of them that are brands.
        strange_words: Words that neither the phrasebook nor the product's data holds.
        rest: The narration with a blank for every fact in it that stands there word for word.
        unnamed: Likewise without the product's name.
    """

    told: tuple[str, ...]
    contradicted: tuple[str, ...]
    invented: tuple[str, ...]
    brands: tuple[str, ...]
    strange_words: tuple[str, ...]
    rest: str
    unnamed: str


def read_facts(text: str, product: Product) -> FactReading:
    """What one narration says of facts.

    Args:
        text: The narration.
        product: The product's name and facts as the narrator was given them.
    """
    spoken = text.replace("’", "'")
    own = _spans(spoken.lower(), [point.point.lower() for point in product.knowledge])
    foreign = _foreign_facts(spoken.lower(), own)
    rest = _without(spoken, [*own, *((start, end) for start, end, _ in foreign)])
    unnamed = rest.replace(product.name, _BLANK)
    numbers_unknown, numbers_misused = _numbers(unnamed, product)
    facts = {point.point.lower() for point in product.knowledge}
    wrong_facts = dict.fromkeys((spoken[start:end], _is_variation(pattern, facts)) for start, end, pattern in foreign)
    brands = tuple(brand for brand in brand_pattern().findall(unnamed) if brand not in product.name)
    return FactReading(
        told=tuple(use.point.point for use in used_points(product, [spoken], "en") if use.used_in),
        contradicted=(*(fact for fact, is_variation in wrong_facts if is_variation), *numbers_misused),
        invented=(*(fact for fact, is_variation in wrong_facts if not is_variation), *numbers_unknown, *brands),
        brands=brands,
        strange_words=_strange_words(unnamed, product),
        rest=rest,
        unnamed=unnamed,
    )


def _spans(text: str, phrases: Sequence[str]) -> list[tuple[int, int]]:
    if not phrases:
        return []
    pattern = [re.compile(rf"(?<![\w$]){re.escape(phrase)}(?!\w|[.,]\d)") for phrase in phrases]
    return [match.span() for one in pattern for match in one.finditer(text)]


def _foreign_facts(text: str, own: Sequence[tuple[int, int]]) -> list[tuple[int, int, re.Pattern[str]]]:
    """Facts of the storefront in a text that do not lie within a fact of the product."""
    found = [
        (*match.span(), fact.pattern)
        for fact in fact_patterns()
        if fact.needle in text
        for match in fact.pattern.finditer(text)
    ]
    return [hit for hit in found if not any(start <= hit[0] and hit[1] <= end for start, end in own)]


def _is_variation(pattern: re.Pattern[str], facts: set[str]) -> bool:
    return any(pattern.fullmatch(fact) for fact in facts)


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with a blank for every span; spans may overlap."""
    kept: list[str] = []
    reached = 0
    for start, end in sorted(spans):
        if start >= reached:
            kept += [text[reached:start], _BLANK]
        reached = max(reached, end)
    return "".join([*kept, text[reached:]])


def _numbers(text: str, product: Product) -> tuple[list[str], list[str]]:
    """Numbers that the product's data does not hold, and numbers that it holds of something else."""
    unknown = [text[span.start : span.end] for span in number_spans(text, product) if not span.is_known]
    uses = [use for point in product.knowledge for use in _NUMBER_AND_NEXT.findall(point.point.lower())]
    unfollowed = {number for number, following in uses if not following}
    misused = [
        f"{number} {following}".strip()
        for number, following in _NUMBER_AND_NEXT.findall(text.lower())
        if number not in unfollowed and (number, following) not in uses and number.strip("$%") not in unknown
    ]
    return unknown, misused


def _strange_words(text: str, product: Product) -> tuple[str, ...]:
    data = " ".join((product.name, *(point.point for point in product.knowledge)))
    known = common_words().union(words_of(data), *map(words_of, scene_words()), *map(words_of, motion_words()))
    nouns = noun_pattern().sub(_BLANK, text.lower())
    return tuple(dict.fromkeys(word for word in words_of(nouns) if word not in known))
