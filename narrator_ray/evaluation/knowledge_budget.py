"""How much a story tells of what it has room for.

A story's knowledge budget is the number of facts that it could tell: one a line, as the storefront's scripts tell them,
and never more than its product has. A clip has a line, from 15 words on two and from 25 on three.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from narrator_ray.demo.plan import num_lines
from narrator_ray.records import Product


def knowledge_budget(product: Product, windows: Sequence[tuple[int, int]]) -> int:
    """How many of a product's facts a story has room for.

    Args:
        product: The product.
        windows: Lowest and highest number of words of every clip's narration.
    """
    return min(len({point.point for point in product.knowledge}), sum(map(num_lines, windows)))


def budget_used(told: Iterable[Iterable[str]], product: Product, windows: Sequence[tuple[int, int]]) -> float:
    """Share of its knowledge budget that a story uses, at most 1; 1 where there is nothing to tell.

    Args:
        told: The product's facts that each narration tells; one that is told again counts once.
        product: The product.
        windows: Lowest and highest number of words of every clip's narration.
    """
    budget = knowledge_budget(product, windows)
    return min(1.0, len(set(chain.from_iterable(told))) / budget) if budget else 1.0
