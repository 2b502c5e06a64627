"""The field `product` of a manifest row: a name, and knowledge in any of three forms."""

from __future__ import annotations

from collections.abc import Mapping

from narrator_ray.catalog.fields import Report, is_list, kind_of, nearest, read_text
from narrator_ray.records import KnowledgePoint, Product

PRODUCT_FIELDS = ("name", "knowledge")
"""Every field a product can have."""

_KNOWLEDGE_FORMS = "a list of texts, a list of {category, points}, or an object category -> points"


def read_product(value: object, report: Report) -> Product | None:
    """A product: an object ``{name, knowledge}``."""
    if value is None:
        report("product", "is missing: give {name, knowledge}")
        return None
    if not isinstance(value, Mapping):
        report("product", f"expected an object {{name, knowledge}}, got {kind_of(value)}")
        return None
    for unknown in value:
        if unknown not in PRODUCT_FIELDS:
            message = f"no such field; nearest is `{nearest(str(unknown), PRODUCT_FIELDS)}`; put anything else in extra"
            report(f"product.{unknown}", message)
    name = read_text(value.get("name"), "product.name", report)
    points = _knowledge(value.get("knowledge"), report)
    # Grouped by category as it is written and prompted, so that reading back what was written gives an equal product.
    return None if name is None else Product.from_json(Product(name, tuple(points)).to_json())


def _knowledge(value: object, report: Report) -> list[KnowledgePoint]:
    field = "product.knowledge"
    if value is None:
        return []
    if isinstance(value, Mapping):
        groups = [(str(category), points, f"{field}.{category}") for category, points in value.items()]
        return [point for category, points, where in groups for point in _points(category, points, where, report)]
    if not is_list(value):
        report(field, f"expected {_KNOWLEDGE_FORMS}; got {kind_of(value)}")
        return []
    return [point for index, item in enumerate(value) for point in _knowledge_item(item, f"{field}[{index}]", report)]


def _knowledge_item(item: object, field: str, report: Report) -> list[KnowledgePoint]:
    if not isinstance(item, Mapping):
        text = read_text(item, field, report)
        return [] if text is None else [KnowledgePoint("", text)]
    for unknown in item:
        if unknown not in ("category", "points"):
            report(f"{field}.{unknown}", f"no such field; nearest is `{nearest(str(unknown), ('category', 'points'))}`")
    category = item.get("category")
    if category is not None and not isinstance(category, str):
        report(f"{field}.category", f"expected text, got {kind_of(category)}")
        return []
    return _points((category or "").strip(), item.get("points"), f"{field}.points", report)


def _points(category: str, value: object, field: str, report: Report) -> list[KnowledgePoint]:
    if value is None:
        return []
    if not is_list(value):
        text = read_text(value, field, report)
        return [] if text is None else [KnowledgePoint(category, text)]
    texts = [read_text(point, f"{field}[{index}]", report) for index, point in enumerate(value)]
    return [KnowledgePoint(category, text) for text in texts if text is not None]
