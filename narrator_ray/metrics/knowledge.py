"""A product as the points that InfoSim and InfoDiverse compare narrations with.

Source: released code, info_sim.py and info_diverse.py.
"""

from __future__ import annotations

from narrator_ray.records import Product


def released_points(product: Product) -> tuple[str, ...]:
    """The name and every point once, as the released code shortens them.

    What stands before a 】 is cut off, and so is all from the first space on: "【shop】PRO B 5" becomes "PRO".
    """
    return tuple(_shortened(text) for text in _texts(product))


def standard_points(product: Product) -> tuple[str, ...]:
    """The name and every point once, whole, blank ones left out."""
    return tuple(text for text in _texts(product) if text)


def _texts(product: Product) -> tuple[str, ...]:
    return tuple(dict.fromkeys((product.name.strip(), *(item.point.strip() for item in product.knowledge))))


def _shortened(text: str) -> str:
    if "】" in text:
        text = text.split("】")[1]
    return text.split(" ")[0]
