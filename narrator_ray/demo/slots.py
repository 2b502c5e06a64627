"""Everything a line of the phrasebook may name for one moment of a film: attributes, facts, words that agree.

Knows products and shots, but not which line is spoken.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from narrator_ray.demo.products import ShopProduct
from narrator_ray.demo.storyboard import Shot, Storyboard
from narrator_ray.demo.tables import Kind, Phrases, forms, vocabulary

Slots = dict[str, Phrases]
_ARTICLE = "a(n)"
"""Becomes "a" or "an" when the word after it is known."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in a film a narration is spoken."""

    storyboard: Storyboard
    product: ShopProduct
    index: int

    @property
    def shot(self) -> Shot:
        """What is seen."""
        return self.storyboard.shots[self.index]

    @property
    def duration_s(self) -> float:
        """How long it is seen."""
        start_s, end_s = self.storyboard.spans_s[self.index]
        return end_s - start_s

    @property
    def is_variant(self) -> bool:
        """Whether the product is shown in another colour than in the rest of the film."""
        return self.shot.colour != self.storyboard.colour

    @property
    def earlier_scenes(self) -> tuple[str, ...]:
        """Where earlier shots show the product in the same colour, so that a line may look back there."""
        return tuple(shot.scene for shot in self.storyboard.shots[: self.index] if shot.colour == self.shot.colour)


def make_slots(moment: Moment, withheld: Collection[str]) -> Slots:
    """The phrases of every slot, without the facts that are withheld."""
    words, shot, product = vocabulary(), moment.shot, moment.product
    slots: Slots = {
        "colour": words.colour[shot.colour],
        "scene": words.scene[shot.scene],
        "watch": words.watch[shot.motion],
        "doing": words.doing[shot.motion],
        "earlier": tuple(words.scene[scene][0] for scene in moment.earlier_scenes),
        **_product_words(product.name, product.kind),
    }
    slots |= {word: (by_number[int(product.kind.is_plural)],) for word, by_number in words.agreement.items()}
    for category, facts in product.facts.items():
        open_ = tuple(fact for fact in facts if fact not in withheld)
        slots[category], slots[f"{category}2"] = open_, open_ if len(open_) > 1 else ()
    return slots


def _product_words(name: str, kind: Kind) -> Slots:
    is_itself, one = kind.shown == "itself", "" if kind.is_plural else f"{_ARTICLE} "
    return {
        "name": (name,),
        "noun": kind.nouns,
        "good": (kind.good,),
        "container": (forms()[kind.form].nouns[0],),
        "each": ("{noun}",) if kind.each in kind.nouns else (kind.each,),
        "a_colour": (f"{one}{{colour}} {{noun}}",),
        "a_kind": (f"{one}{{noun}}" if is_itself else f"{one}{{good}}",),
        "a_good": ("{a_colour}" if is_itself else "{this} {good}",),
    }
