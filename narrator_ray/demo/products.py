"""What the storefront sells: a product with a name and facts, made up by grammar from the storefront's tables."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from narrator_ray.demo.tables import Kind, Phrases, kinds, market
from narrator_ray.records import KnowledgePoint, Product

_ALWAYS = {"pain": (1, 2), "effect": (2, 3), "material": (1, 1), "look": (1, 2), "use": (1, 1), "audience": (1, 1)}
_OFTEN = {"quality": (1, 2), "offer": (1, 1)}
_SOMETIMES = {"certificate": (1, 1), "safety": (1, 1), "process": (1, 1), "after_sales": (1, 1)}
_OFTEN_SHARE, _SOMETIMES_SHARE = 0.85, 0.45


@dataclass(frozen=True, slots=True)
class ShopProduct:
    """A product of the storefront.

    Attributes:
        kind: What it is.
        name: Brand, line and noun.
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


def make_product(seed: int, kind_name: str) -> ShopProduct:
    """The product of a seed: brand, price and a draw from the facts that may be true of its kind."""
    rng = Random(f"product {seed}")
    kind = kinds()[kind_name]
    name = f"{rng.choice(market().brands)} {rng.choice(market().lines)} {kind.nouns[0].title()}"
    return ShopProduct(kind, name, _facts(rng, kind))


def _facts(rng: Random, kind: Kind) -> dict[str, Phrases]:
    possible = kind.facts | market().facts
    wanted = dict(_ALWAYS)
    wanted |= {key: number for key, number in _OFTEN.items() if rng.random() < _OFTEN_SHARE}
    wanted |= {key: number for key, number in _SOMETIMES.items() if rng.random() < _SOMETIMES_SHARE}
    facts: dict[str, Phrases] = {}
    for category in market().categories:
        if category == "price":
            facts[category] = (f"${rng.randint(*kind.price_usd)}",)
        elif category in wanted and possible.get(category):
            count = min(rng.randint(*wanted[category]), len(possible[category]))
            facts[category] = tuple(rng.sample(possible[category], count))
    return facts
