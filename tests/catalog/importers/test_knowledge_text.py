"""Product information as text, and back."""

from __future__ import annotations

import pytest

from narrator_ray.catalog.importers.knowledge_text import knowledge_text, parse_knowledge


def test_lines_become_categories_with_points() -> None:
    """Only a line's first colon ends its category; points may hold colons."""
    text = "痛点：干燥、起皮\n成分/材质：3：3：1科学配比、芦荟"
    assert parse_knowledge(text) == [
        {"category": "痛点", "points": ["干燥", "起皮"]},
        {"category": "成分/材质", "points": ["3：3：1科学配比", "芦荟"]},
    ]
    assert knowledge_text(parse_knowledge(text)) == text


@pytest.mark.parametrize(
    ("text", "knowledge"),
    [
        ("", []),
        ("保湿、滋润", [{"category": "", "points": ["保湿", "滋润"]}]),
        ("功效：", []),
        ("功效：a、、b、", [{"category": "功效", "points": ["a", "b"]}]),
        (
            "功效：a\n质地：b\n功效：c",
            [{"category": "功效", "points": ["a", "c"]}, {"category": "质地", "points": ["b"]}],
        ),
    ],
)
def test_irregular_lines_keep_their_points(text: str, knowledge: list) -> None:
    """Missing colons, empty points and repeated categories lose no fact."""
    assert parse_knowledge(text) == knowledge
