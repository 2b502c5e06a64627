"""Product information as the data set writes it, one category a line: ``功效：保湿、滋润``.

Source: released code, product information block of get_training_data.py.
"""

from __future__ import annotations

from narrator_ray.records import JsonDict

_COLON, _COMMA = "：", "、"


def parse_knowledge(text: str) -> list[JsonDict]:
    """Knowledge as in a manifest, ``[{"category", "points"}]``.

    A line without a colon is points without category. Lines of the same category are put together, empty points are
    left out: :func:`knowledge_text` tells whether anything was lost.
    """
    grouped: dict[str, list[str]] = {}
    for line in text.split("\n"):
        category, _, points = line.partition(_COLON) if _COLON in line else ("", "", line)
        named = [point.strip() for point in points.split(_COMMA) if point.strip()]
        if named:
            grouped.setdefault(category.strip(), []).extend(named)
    return [{"category": category, "points": points} for category, points in grouped.items()]


def knowledge_text(knowledge: list[JsonDict]) -> str:
    """Inverse of :func:`parse_knowledge`."""
    return "\n".join(
        (f"{group['category']}{_COLON}" if group["category"] else "") + _COMMA.join(group["points"])
        for group in knowledge
    )
