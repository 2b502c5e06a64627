"""The grammar of orders: what it draws it accepts, and what no story does it refuses."""

from random import Random

import pytest

from narrator_ray.demo.orders import draw_order, is_plausible_order, most_labels
from narrator_ray.records import ScriptLabel, parse_label

SOME = {
    ScriptLabel.APPEARANCE_DESIGN: 2,
    ScriptLabel.INGREDIENT_MATERIAL_TEXTURE: 1,
    ScriptLabel.PRODUCT_EFFECT: 3,
    ScriptLabel.OTHERS: 1,
}


def test_drawn_orders_are_plausible_and_vary():
    """Of every length; a label is repeated only when all others are told."""
    rng = Random(0)
    drawn = {tuple(draw_order(rng, length, SOME)) for length in range(1, most_labels(SOME) + 1) for _ in range(100)}
    assert all(is_plausible_order(order) for order in drawn)
    assert len(drawn) > 150
    assert all(len(set(order)) == len(order) or set(SOME) <= set(order) for order in drawn)
    assert max(map(len, drawn)) == most_labels(SOME)


@pytest.mark.parametrize(
    ("order", "is_plausible"),
    [
        ("sore point, design of appearance, product effect, call to action", True),
        ("product recommendation, authoritative certificate, product trial, others, call to action", True),
        ("sore point, product recommendation, call to action", True),
        ("call to action", True),
        ("product effect", False),
        ("call to action, product recommendation", False),
        ("product recommendation, call to action, product effect, call to action", False),
        ("product recommendation, product effect, sore point, call to action", False),
        ("design of appearance, product effect, call to action", False),
        ("product recommendation, production process, product effect, design of appearance, call to action", False),
        ("product recommendation, product effect", False),
        ("", False),
    ],
)
def test_orders_are_judged(order, is_plausible):
    """Openings first, one arc in between, the call to action last and only there."""
    labels = [label for name in filter(None, order.split(", ")) if (label := parse_label(name))]
    assert len(labels) == len(list(filter(None, order.split(", "))))
    assert is_plausible_order(labels) is is_plausible
