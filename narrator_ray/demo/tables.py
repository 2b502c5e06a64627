"""The storefront's tables as read from its data files: what is sold, how a market speaks, how attributes are named.

Knows nothing of pictures or of how sentences are built. Everything is read once and never changes.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Phrases = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of product and everything that may be true of it.

    Attributes:
        name: Identifier, as in the truth of a catalogue.
        form: Which drawn form stands for it.
        nouns: What it is called; the first is used in product names.
        is_plural: Whether the nouns are plural.
        each: How one piece is counted.
        price_usd: Lowest and highest price.
        facts: Category to the facts one product may draw from.
    """

    name: str
    form: str
    nouns: Phrases
    is_plural: bool
    each: str
    price_usd: tuple[int, int]
    facts: dict[str, Phrases]


@dataclass(frozen=True, slots=True)
class Market:
    """What does not depend on the kind: names, a shop's own facts, the catalogue's names of the categories."""

    brands: Phrases
    lines: Phrases
    facts: dict[str, Phrases]
    categories: dict[str, str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How the visible attributes are spoken of: attribute value to its phrases, the plainest first."""

    colour: dict[str, Phrases]
    scene: dict[str, Phrases]
    watch: dict[str, Phrases]
    doing: dict[str, Phrases]
    agreement: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """How narrations are put together: shared rules, lines by script label, lines for a clip in another colour."""

    rules: dict[str, Phrases]
    labels: dict[str, Phrases]
    colour_variant: Phrases


@cache
def kinds() -> dict[str, Kind]:
    """Every product kind by name."""
    return {name: _kind(name, row) for name, row in _table("kinds").items()}


@cache
def market() -> Market:
    """Brands, product lines and a shop's own facts."""
    data = _table("market")
    facts = _tuples({category: data[category] for category in ("offer", "after_sales", "certificate")})
    return Market(tuple(data["brands"]), tuple(data["lines"]), facts, data["categories"])


@cache
def vocabulary() -> Vocabulary:
    """The words for colours, scenes and motions."""
    data = _table("vocabulary")
    agreement = {word: (forms[0], forms[1]) for word, forms in data["agreement"].items()}
    motion = data["motion"]
    return Vocabulary(
        _tuples(data["colour"]), _tuples(data["scene"]), _tuples(motion["watch"]), _tuples(motion["doing"]), agreement
    )


@cache
def phrasebook() -> Phrasebook:
    """The lines narrations are made from."""
    data = _table("phrases")
    return Phrasebook(_tuples(data["rules"]), _tuples(data["labels"]), tuple(data["colour_variant"]["lines"]))


_KIND_FIELDS = ("form", "nouns", "is_plural", "each", "price_usd")


def _kind(name: str, row: dict[str, Any]) -> Kind:
    facts = _tuples({category: phrases for category, phrases in row.items() if category not in _KIND_FIELDS})
    low, high = row["price_usd"]
    return Kind(name, row["form"], tuple(row["nouns"]), row["is_plural"], row["each"], (low, high), facts)


def _tuples(lists: dict[str, list[str]]) -> dict[str, Phrases]:
    return {name: tuple(phrases) for name, phrases in lists.items()}


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((files("narrator_ray.demo") / "data" / f"{name}.toml").read_text(encoding="utf-8"))
