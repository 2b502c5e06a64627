"""Which product facts a narration speaks of, and which of its numbers the product data does not hold.

An approximation for readers of a report, by comparing words: it knows no synonyms and no meaning, so a fact that is
paraphrased counts as unused, and a fact that is denied counts as used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from narrator_ray.records import KnowledgePoint, Language, Product

_LATIN_WORD = re.compile(r"[^\W\d_一-鿿]+(?:['’][^\W\d_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_HAN_RUN = re.compile(r"[㐀-䶿一-鿿]+")
_USED_SHARE: dict[Language, float] = {"en": 2 / 3, "zh": 1 / 2}
_SUFFIXES = ("ings", "ing", "edly", "ies", "ed", "es", "s", "ly", "e", "y")
_PRONOUNS = (
    "all",
    "any",
    "each",
    "every",
    "it",
    "its",
    "our",
    "that",
    "their",
    "them",
    "they",
    "this",
    "we",
    "you",
    "your",
)
_PARTICLES = (
    "a",
    "an",
    "and",
    "as",
    "at",
    "but",
    "by",
    "for",
    "from",
    "in",
    "into",
    "no",
    "not",
    "of",
    "on",
    "or",
    "so",
)
_VERBS = ("are", "be", "can", "has", "have", "is", "was", "will")
_STOP_WORDS = frozenset((*_PRONOUNS, *_PARTICLES, *_VERBS, "than", "the", "then", "to", "up", "very", "with"))


@dataclass(frozen=True, slots=True)
class PointUse:
    """A fact about a product and the texts that speak of it.

    Attributes:
        point: The fact.
        used_in: 0-based places of the texts that mention it, in order; empty when none does.
    """

    point: KnowledgePoint
    used_in: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NumberSpan:
    """A number in a text.

    Attributes:
        start: Index of its first character.
        end: Index after its last character.
        is_known: Whether the product's name or knowledge holds the same number.
    """

    start: int
    end: int
    is_known: bool


def used_points(product: Product, texts: Sequence[str], language: Language) -> list[PointUse]:
    """Say for each knowledge point which texts mention it.

    A text mentions a point when it holds all numbers of the point and most of its content words: in English two thirds
    of the words, without their endings and without stop words; in Chinese half of the pairs of neighbouring characters
    (pairs stand in for words, and those that span two words hardly recur) and of the Latin words.

    Args:
        product: The product.
        texts: The narrations of one video.
        language: Language of both.

    Returns:
        One entry a knowledge point, in the product's order.
    """
    text_terms = [_terms(text, language) | _numbers(text) for text in texts]
    return [
        PointUse(item, tuple(place for place, terms in enumerate(text_terms) if _mentions(item.point, terms, language)))
        for item in product.knowledge
    ]


def number_spans(text: str, product: Product) -> list[NumberSpan]:
    """Every number in a text, in order, with whether the product data holds it; digits only, not number words."""
    known = _numbers(product.name).union(*(_numbers(item.point) for item in product.knowledge))
    return [
        NumberSpan(match.start(), match.end(), _normal_number(match.group()) in known)
        for match in _NUMBER.finditer(text)
    ]


def _mentions(point: str, text_terms: set[str], language: Language) -> bool:
    words, numbers = _terms(point, language), _numbers(point)
    if not words | numbers or not numbers <= text_terms:
        return False
    return len(words & text_terms) >= math.ceil(len(words) * _USED_SHARE[language])


def _terms(text: str, language: Language) -> set[str]:
    latin = {_stem(word) for word in _LATIN_WORD.findall(text.lower()) if word not in _STOP_WORDS}
    return latin | _han_pairs(text) if language == "zh" else latin


def _han_pairs(text: str) -> set[str]:
    """Neighbouring pairs of Chinese characters; a character that stands alone counts as it is."""
    pairs: set[str] = set()
    for run in _HAN_RUN.findall(text):
        pairs.update({run} if len(run) == 1 else {run[place : place + 2] for place in range(len(run) - 1)})
    return pairs


def _stem(word: str) -> str:
    bare = word.replace("’", "'").removesuffix("'s")
    for suffix in _SUFFIXES:
        if bare.endswith(suffix) and len(bare) - len(suffix) >= 3:
            return bare[: -len(suffix)]
    return bare


def _numbers(text: str) -> set[str]:
    return {_normal_number(number) for number in _NUMBER.findall(text)}


def _normal_number(number: str) -> str:
    return re.sub(r",(?=\d{3}\b)", "", number)
