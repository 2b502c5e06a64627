"""What the storefront sells: a product with a name and facts, made up by grammar from the storefront's tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from random import Random

from narrator_ray.demo.splits import Split, split_of_facts, split_of_name
from narrator_ray.demo.tables import Facts, Kind, Phrases, forms, kinds, kinds_of, market
from narrator_ray.records import KnowledgePoint, Product

_ALWAYS = {"pain": (1, 2), "effect": (2, 3), "material": (1, 1), "look": (1, 2), "use": (1, 1), "audience": (1, 2)}
_OFTEN = {"quality": (1, 2), "offer": (1, 1)}
_SOMETIMES = {"certificate": (1, 1), "safety": (1, 1), "process": (1, 1), "after_sales": (1, 1)}
_OFTEN_SHARE, _SOMETIMES_SHARE = 0.85, 0.45
_OWN_SHARE = 0.7
"""How often the first fact of a category is one that is true of this kind only."""
_BARE_NAME_SHARE = 0.2
"""How often a name in a film to learn from does not say what the product is, so that it must be seen."""
_ENOUGH_OF_ITS_OWN = {"audience": 2, "material": 2}
"""A kind that has so many facts of its own does not share those of its family: a camping mug is not made of china."""
_CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class ShopProduct:
    """A product of the storefront.

    Attributes:
        kind: What it is.
        name: Brand and line, mostly with what it is.
        facts: Category to everything that may be said, in catalogue order.
    """

    kind: Kind
    name: str
    facts: dict[str, Phrases]

    def to_product(self) -> Product:
        """The product as a catalogue describes it."""
        categories = market().categories
        points = (KnowledgePoint(categories[key], point) for key, points in self.facts.items() for point in points)
        return Product(self.name, tuple(points))


def make_product(seed: int, form: str, *, split: Split | None = None, kind: str | None = None) -> ShopProduct:
    """The product of a seed: kind, brand, price and a draw from the facts that may be true of it.

    Args:
        seed: Decides everything that is not given.
        form: What the film shows.
        split: Only names and sets of facts of this split.
        kind: What it is sold as, or None to draw one of the kinds that the form stands for.
    """
    rng = Random(f"product {seed}")
    chosen = kinds()[kind] if kind else rng.choice(kinds_of(form))
    name = _name(rng, chosen, split)
    facts = _facts(rng, chosen)
    while split is not None and split_of_facts(fact for some in facts.values() for fact in some) != split:
        facts = _facts(rng, chosen)
    return ShopProduct(chosen, name, facts)


@cache
def facts_of(kind_name: str) -> Facts:
    """Every fact template that may be true of a kind, what is true of this kind only first."""
    kind = kinds()[kind_name]
    shop = market().durable if kind.shown == "itself" else market().consumable
    look = {} if kind.shown == "served" else {"look": forms()[kind.form].look}
    everything: Facts = {}
    for facts in (kind.facts, kind.shared_facts, look, shop):
        for category, templates in facts.items():
            known = everything.get(category, ())
            if len(known) < _ENOUGH_OF_ITS_OWN.get(category, len(known) + 1):
                everything[category] = known + templates
    return everything


def _name(rng: Random, kind: Kind, split: Split | None) -> str:
    brand, line = rng.choice(_words(market().brands, split)), rng.choice(_words(market().lines, split))
    is_bare = kind.shown == "itself" and not kind.is_plural and rng.random() < _BARE_NAME_SHARE and split is not None
    return f"{brand} {line}" if is_bare else f"{brand} {line} {_title(kind.good)}"


@cache
def _words(names: Phrases, split: Split | None) -> Phrases:
    return tuple(name for name in names if split is None or split_of_name(name) == split)


def _title(good: str) -> str:
    return " ".join(word[0].upper() + word[1:] for word in good.split())


def _facts(rng: Random, kind: Kind) -> dict[str, Phrases]:
    possible = facts_of(kind.name)
    wanted = dict(_ALWAYS)
    wanted |= {key: number for key, number in _OFTEN.items() if rng.random() < _OFTEN_SHARE}
    wanted |= {key: number for key, number in _SOMETIMES.items() if rng.random() < _SOMETIMES_SHARE}
    facts: dict[str, Phrases] = {}
    for category in market().categories:
        if category == "price":
            facts[category] = (f"${rng.randint(*kind.price_usd)}",)
        elif category in wanted and category in possible:
            templates = _drawn(
                rng, possible[category], len(kind.facts.get(category, ())), rng.randint(*wanted[category])
            )
            facts[category] = tuple(
                _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), one) for one in templates
            )
    return facts


def _drawn(rng: Random, templates: Phrases, num_own: int, count: int) -> list[str]:
    """So many of the templates, of which the first ``num_own`` are preferred."""
    pool = rng.sample(templates, len(templates))
    if num_own and rng.random() < _OWN_SHARE:
        first = rng.choice(templates[:num_own])
        pool.remove(first)
        pool.insert(0, first)
    return pool[:count]
