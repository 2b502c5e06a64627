"""The storefront's tables as read from its data files: what is sold, how a market speaks, how attributes are named.

Knows nothing of pictures or of how sentences are built. Everything is read once and never changes.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

Phrases = tuple[str, ...]
Facts = dict[str, Phrases]
"""Category to fact templates, in which ``{2|3|4}`` stands for one of its options."""

Shown = Literal["itself", "packed", "served"]
"""What a film shows of a product: the product, the package it comes in, or the vessel it is served in."""


@dataclass(frozen=True, slots=True)
class Form:
    """What can be drawn: a bottle.

    Attributes:
        nouns: What everyone would call it.
        look: What can be seen of it.
    """

    nouns: Phrases
    look: Phrases


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of product and everything that may be true of it.

    Attributes:
        name: Identifier, as in the truth of a catalogue.
        form: Which drawn form stands for it.
        shown: What of it is drawn.
        nouns: What the picture shows may be called, the most telling first.
        good: What is sold; the first noun unless the noun is only its vessel.
        is_plural: Whether the nouns are plural.
        each: How one piece is counted.
        price_usd: Lowest and highest price.
        facts: What is true of this kind only.
        shared_facts: What is true of all kinds of its family.
    """

    name: str
    form: str
    shown: Shown
    nouns: Phrases
    good: str
    is_plural: bool
    each: str
    price_usd: tuple[int, int]
    facts: Facts
    shared_facts: Facts


@dataclass(frozen=True, slots=True)
class Market:
    """What does not depend on the kind: names, a shop's own facts, the catalogue's names of the categories."""

    brands: Phrases
    lines: Phrases
    durable: Facts
    consumable: Facts
    categories: dict[str, str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How the visible attributes are spoken of: attribute value to its phrases, the plainest first.

    The last three say by which words a reader knows a scene, a motion, and a place named in memory.
    """

    colour: dict[str, Phrases]
    scene: dict[str, Phrases]
    watch: dict[str, Phrases]
    doing: dict[str, Phrases]
    agreement: dict[str, tuple[str, str]]
    known_scene: dict[str, Phrases]
    known_motion: dict[str, Phrases]
    looking_back: Phrases


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """How narrations are put together, for products that are shown in one of the three ways.

    Attributes:
        rules: Parts that several lines share.
        labels: Lines by script label.
        colour_variant: Lines for a clip that shows the product in another colour than its film.
    """

    rules: dict[str, Phrases]
    labels: dict[str, Phrases]
    colour_variant: Phrases


@cache
def forms() -> dict[str, Form]:
    """Every drawn form by name."""
    return {name: Form(tuple(row["nouns"]), tuple(row["look"])) for name, row in read_table("forms").items()}


@cache
def kinds() -> dict[str, Kind]:
    """Every product kind by name."""
    found: dict[str, Kind] = {}
    for file in sorted((_data() / "goods").iterdir(), key=lambda file: file.name):
        family = _read(file)
        found |= {name: _kind(name, row, family) for name, row in family["kinds"].items()}
    return found


@cache
def kinds_of(form: str) -> tuple[Kind, ...]:
    """The product kinds that a form stands for."""
    return tuple(kind for kind in kinds().values() if kind.form == form)


@cache
def market() -> Market:
    """Brands, product lines and a shop's own facts."""
    data = read_table("market")
    facts = data["facts"]
    return Market(
        tuple(data["brands"]),
        tuple(data["lines"]),
        _tuples(facts["durable"]),
        _tuples(facts["consumable"]),
        data["categories"],
    )


@cache
def vocabulary() -> Vocabulary:
    """The words for colours, scenes and motions."""
    data = read_table("vocabulary")
    agreement = {word: (forms[0], forms[1]) for word, forms in data["agreement"].items()}
    motion, known = data["motion"], data["known_by"]
    return Vocabulary(
        colour=_tuples(data["colour"]),
        scene=_tuples(data["scene"]),
        watch=_tuples(motion["watch"]),
        doing=_tuples(motion["doing"]),
        agreement=agreement,
        known_scene=_tuples(known["scene"]),
        known_motion=_tuples(known["motion"]),
        looking_back=tuple(known["looking_back"]),
    )


@cache
def phrasebook(shown: Shown) -> Phrasebook:
    """The lines that narrations of such products are made from."""
    data = read_table("phrases")
    rules = {name: phrases for name, phrases in data["rules"].items() if isinstance(phrases, list)}
    labels = {name: lines for name, lines in data["labels"].items() if isinstance(lines, list)}
    for name, lines in data["labels"]["itself" if shown == "itself" else "contents"].items():
        labels[name] = [*labels[name], *lines]
    return Phrasebook(_tuples(rules | data["rules"][shown]), _tuples(labels), tuple(data["colour_variant"][shown]))


def _kind(name: str, row: dict[str, Any], family: dict[str, Any]) -> Kind:
    form: str = family["form"]
    generic = forms()[form].nouns
    good = row.get("good", "")
    own = [noun.format(good=good) for noun in row.get("nouns", family.get("nouns", []))]
    low, high = family["price_usd"]
    return Kind(
        name=name,
        form=form,
        shown=family["shown"],
        nouns=tuple(dict.fromkeys([*own, *generic])),
        good=good or own[0],
        is_plural=family["is_plural"],
        each=family["each"],
        price_usd=(low, high),
        facts=_tuples({category: facts for category, facts in row.items() if category not in ("nouns", "good")}),
        shared_facts=_tuples(family["facts"]),
    )


def _tuples(lists: dict[str, list[str]]) -> dict[str, Phrases]:
    return {name: tuple(phrases) for name, phrases in lists.items()}


def read_table(name: str) -> dict[str, Any]:
    """A data file of the storefront, as it stands there."""
    return _read(_data() / f"{name}.toml")


def _data() -> Traversable:
    return files("narrator_ray.demo") / "data"


def _read(file: Traversable) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
