"""Which facts a narration uses, and which numbers are not from the product data."""

import pytest

from narrator_ray.outputs.mentions import number_spans, used_points
from narrator_ray.records import KnowledgePoint, Product


def uses(point, texts, language="en"):
    """Places of the texts that mention one point."""
    [use] = used_points(Product("p", (KnowledgePoint("", point),)), texts, language)
    return use.used_in


@pytest.mark.parametrize(
    ("point", "text"),
    [
        ("keeps drinks cold for 24 hours", "Keep your drink cold for 24 hours!"),
        ("brushed stainless steel", "Stainless steel, softly shining."),
        ("$1,299.00", "Yours at $1299.00 only."),
        ("charges over USB-C", "It is charged over usb-c"),
        ("batteries included", "Every battery is included."),
    ],
)
def test_point_is_used(point, text):
    """Endings, case, punctuation and stop words do not matter, nor one word of three."""
    assert uses(point, [text]) == (0,)


@pytest.mark.parametrize(
    ("point", "text"),
    [
        ("keeps drinks cold for 24 hours", "Keeps drinks cold for 12 hours."),
        ("free engraving", "Free for a week."),
        ("—", "anything — goes"),
        ("the of and", "the of and"),
    ],
)
def test_point_is_not_used(point, text):
    """Another number, half of the words or nothing to compare is no mention."""
    assert uses(point, [text]) == ()


def test_all_places_are_named():
    """A point that is said twice lists both texts."""
    assert uses("brushed steel", ["Brushed steel.", "Orange.", "Steel, brushed by hand."]) == (0, 2)


def test_chinese_points():
    """Chinese is compared by pairs of characters, in any order."""
    assert uses("24小时保湿锁水", ["敏感肌可用，24小时都能锁水保湿", "12小时保湿锁水", "水润"], "zh") == (0,)
    assert uses("轻盈不油腻", ["质地轻盈，一点也不油腻"], "zh") == (0,)


def test_numbers_are_checked_against_the_product():
    """A number counts as known when name or knowledge hold it, however its thousands are written."""
    product = Product("Flask 500", (KnowledgePoint("price", "1,299 yen"),))
    text = "Flask 500 for 1299 yen, 37 left."
    spans = number_spans(text, product)
    assert [(text[span.start : span.end], span.is_known) for span in spans] == [
        ("500", True),
        ("1299", True),
        ("37", False),
    ]
