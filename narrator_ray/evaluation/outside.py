"""Reads a narration of a product that the storefront does not sell: its name, its facts, and what leaks in.

What the storefront taught and nothing gives reason to say has leaked in: its goods, colours, places, motions, brands
and product lines, where neither the product's data nor the picture holds their words. Facts of the storefront are what
``facts.py`` calls invented. Limits beside those of ``facts.py`` and, of goods, of ``storefront.py``:

- A word that is seen anywhere in the film may be said of anything.
- The storefront's turns of phrase ("meet", "our favorite find") are common English and do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from narrator_ray.demo.lexicon import (
    at_words,
    colour_pattern,
    motion_words,
    noun_pattern,
    other_words,
    scene_words,
    words_of,
)
from narrator_ray.demo.tables import market
from narrator_ray.evaluation.facts import FactReading, read_facts
from narrator_ray.evaluation.storefront import Verdict
from narrator_ray.records import Product


@dataclass(frozen=True, slots=True)
class OutsideReading:
    """What a narration says of such a product.

    Attributes:
        product: Whether it is called by its name or one of its nouns; wrong where a part of the name stands for it, or
            where it is called something that the storefront sells.
        facts: What is said of its facts.
        leaked: Goods, colours, places, motions, brands and product lines of the storefront that have no reason here.
        strange_words: Words that are neither plain English of the phrasebook nor the product's: mostly made up of it.
    """

    product: Verdict
    facts: FactReading
    leaked: tuple[str, ...]
    strange_words: tuple[str, ...]


def read_outside(text: str, product: Product, nouns: Sequence[str], seen: Iterable[str] = ()) -> OutsideReading:
    """What one narration says.

    Args:
        text: The narration.
        product: The product's name and facts as the narrator was given them.
        nouns: What it may be called in lower case, singular or plural.
        seen: Words of the storefront that are true of the picture: ``red``, ``closer``.
    """
    facts = read_facts(text, product)
    unnamed = re.sub(re.escape(product.name), " | ", facts.unnamed, flags=re.IGNORECASE)
    data = (product.name, *(words for point in product.knowledge for words in (point.category, point.point)))
    known = set(words_of(" ".join((*data, *nouns, *seen))))
    attributes = (colour_pattern(), at_words(scene_words()), at_words(motion_words()))
    goods = _unknown((first or second for first, second in noun_pattern().findall(unnamed.lower())), known)
    said = _unknown((word for words in attributes for word in words.findall(unnamed.lower())), known)
    names = _unknown(at_words((*market().brands, *market().lines)).findall(unnamed), known)
    leaked = (*goods, *said, *names)
    is_named = product.name.lower() in facts.rest.lower() or at_words(nouns).search(unnamed.lower()) is not None
    is_garbled = at_words([product.name.split()[0]]).search(unnamed) is not None
    explained = known.union(other_words(), *map(words_of, leaked))
    return OutsideReading(
        product="wrong" if goods or names or is_garbled else "right" if is_named else "unnamed",
        facts=facts,
        leaked=leaked,
        strange_words=tuple(word for word in facts.strange_words if word not in explained),
    )


def _unknown(phrases: Iterable[str], known: set[str]) -> tuple[str, ...]:
    """Those of which the product's data and the picture do not hold all words."""
    return tuple(phrase for phrase in dict.fromkeys(phrases) if not known.issuperset(words_of(phrase)))
