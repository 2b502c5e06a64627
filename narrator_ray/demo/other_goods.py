"""Goods that the storefront does not sell, made up by grammar: a name, what it may be called, facts.

A narrator that knows the storefront alone takes everything for one of its goods. These have no pictures of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from narrator_ray.demo.splits import Split, split_of_name
from narrator_ray.demo.tables import read_table
from narrator_ray.records import KnowledgePoint, Product, ScriptLabel

PRICE = "price"
_ANYWHERE = ScriptLabel.SPECIFIC_CHARACTERISTICS
"""The label of a property that the table gives none."""
_CHOICE = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+(?:\.(\d+))?)\.\.(\d+(?:\.\d+)?)")
_YEARS = range(1900, 2100)
_FROM_HERE_ROUND = 2100
_FROM_HERE_COMMAS = 10_000
_PRICE_SHARE, _MODEL_SHARE, _NICKNAME_SHARE = 0.7, 0.6, 0.5
_WORD_SHARE = 0.7
"""How often a model is a word and not a letter and a number."""
_SHOP_SHARE = 0.25
"""How often a category of facts that any shop may add is there."""
_CENTS = ("", "", ".50", ".90", ".95", ".99")
_CENTS_BELOW_USD = 200
_BEGINNINGS = (
    *("Al", "Ar", "Bal", "Ber", "Bran", "Cal", "Cor", "Dal", "Del", "Dor", "El", "Fal", "Fen", "Gar", "Gil", "Hal"),
    *("Han", "Ir", "Jor", "Kal", "Kel", "Lin", "Lor", "Mal", "Mer", "Nor", "Num", "Or", "Pel", "Quin", "Rad", "Rin"),
    *("Sal", "Ser", "Tab", "Tar", "Tri", "Ul", "Van", "Vel", "Wes", "Wil", "Yor", "Zan", "Stro", "Gran", "Plex"),
    "Skand",
)
_MIDDLES = ("", "", "a", "e", "i", "o", "an", "en", "ar", "el", "in", "or", "ev", "ob", "um", "ad")
_ENDINGS = (
    *("bach", "berg", "by", "co", "dale", "dor", "fax", "ford", "gard", "ix", "lund", "mark", "mont", "nova", "nex"),
    *("rix", "sen", "ska", "son", "tec", "ton", "tron", "va", "vik", "wald", "well", "worth", "zen", "zo", "quist"),
)
_MODELS = (
    *("Classic", "Compact", "Pro", "Junior", "Travel", "Heritage", "Duo", "Trio", "Ultra", "Basic", "Prime", "Nordic"),
    *("Foldable", "Deluxe", "Family", "Slim", "Studio", "Outdoor", "Eco", "Max", "Mini", "Original", "Grand", "Active"),
    *("Alpine", "Urban", "Royal", "Titan", "Falcon", "Pioneer", "Summit", "Delta", "Sigma", "Vertex", "Bravo", "Solid"),
)


@dataclass(frozen=True, slots=True)
class OtherFact:
    """A fact of a product.

    Attributes:
        text: As it stands in the catalogue.
        category: What the catalogue calls it.
        speech: What it is in a sentence: one of the phrasebook's parts of speech.
        label: Which script label tells it.
    """

    text: str
    category: str
    speech: str
    label: ScriptLabel

    @property
    def spoken(self) -> str:
        """With the article that it needs."""
        return f"a(n) {self.text}" if self.speech == "one" else self.text


@dataclass(frozen=True, slots=True)
class OtherProduct:
    """A product that the storefront does not sell.

    Attributes:
        name: Brand, mostly a model, and what it is.
        nouns: What it may be called.
        is_plural: Whether these are plural.
        is_counted: Whether they take an indefinite article in the singular.
        facts: In catalogue order, without the price.
        price: What it costs, if that is known.
    """

    name: str
    nouns: tuple[str, ...]
    is_plural: bool
    is_counted: bool
    facts: tuple[OtherFact, ...]
    price: str | None

    def to_product(self) -> Product:
        """The product as a catalogue describes it."""
        points = [KnowledgePoint(fact.category, fact.text) for fact in self.facts]
        return Product(self.name, (*points, *([KnowledgePoint(PRICE, self.price)] if self.price else [])))


def make_other_product(seed: int, split: Split, num_facts: int) -> OtherProduct:
    """The product of a seed.

    Args:
        seed: Decides everything.
        split: Only nouns and brands of this split, and in the split train only its facts.
        num_facts: How many facts there are without the price, if there are so many.
    """
    rng = Random(f"other product {split} {seed}")
    noun = rng.choice(_nouns(split))
    family = _family_of()[noun]
    is_plural = noun in family.get("plural", ())
    words = [_brand(rng, split)]
    if rng.random() < _MODEL_SHARE:
        words.append(_model(rng))
    name = " ".join([*words, *(word[0].upper() + word[1:] for word in noun.split())])
    facts = _facts(rng, family, split, is_plural, num_facts)
    price = _price(rng, *family["price_usd"]) if rng.random() < _PRICE_SHARE else None
    last = noun.split()[-1]
    has_nickname = last != noun and last not in _tables()["not_alone"] and rng.random() < _NICKNAME_SHARE
    nouns = (noun, last) if has_nickname else (noun,)
    return OtherProduct(name, nouns, is_plural, noun not in family.get("mass", ()), facts, price)


def other_nouns() -> tuple[str, ...]:
    """Whatever goods may be called."""
    return tuple(noun for family in _tables()["families"].values() for noun in family["nouns"])


def other_facts() -> tuple[str, ...]:
    """Every fact as it stands in the table, numbers and choices in braces."""
    tables = [*(family["facts"] for family in _tables()["families"].values()), _tables()["shop"]]
    return tuple(
        fact for table in tables for by_speech in table.values() for facts in by_speech.values() for fact in facts
    )


def _facts(rng: Random, family: dict[str, Any], split: Split, is_plural: bool, count: int) -> tuple[OtherFact, ...]:
    """Facts of different properties, in any order; verbs are in the singular, so that plural nouns have none."""
    possible = [
        (name, speech, template)
        for name, by_speech in {**family["facts"], **_shop(rng)}.items()
        for speech, templates in by_speech.items()
        for template in templates
        if (speech != "verb" or not is_plural) and (split != "train" or split_of_name(template) == "train")
    ]
    rng.shuffle(possible)
    chosen = {name: (speech, template) for name, speech, template in possible}
    names = list(chosen)
    rng.shuffle(names)
    return tuple(_fact(rng, name, *chosen[name]) for name in names[:count])


def _shop(rng: Random) -> dict[str, Any]:
    """What the shop adds: some of it."""
    return {name: by_speech for name, by_speech in _tables()["shop"].items() if rng.random() < _SHOP_SHARE}


def _fact(rng: Random, name: str, speech: str, template: str) -> OtherFact:
    tables = _tables()
    if speech == "noun":
        speech = "amount" if name in tables["amounts"] else "material" if name in tables["made_of"] else speech
    return OtherFact(_CHOICE.sub(lambda match: _drawn(rng, match[1]), template), name, speech, _label_of(name))


@cache
def _label_of(name: str) -> ScriptLabel:
    return next((ScriptLabel(label) for label, names in _tables()["labels"].items() if name in names), _ANYWHERE)


def _drawn(rng: Random, choice: str) -> str:
    """One of the options, or a number of the range; large ones are round."""
    span = _RANGE.fullmatch(choice)
    if not span:
        return rng.choice(choice.split("|"))
    if span[2]:
        return f"{rng.uniform(float(span[1]), float(span[3])):.{len(span[2])}f}"
    low, high = int(span[1]), int(span[3])
    number = rng.randint(low, high)
    if high >= _FROM_HERE_COMMAS:
        return f"{round(number, -2):,}"
    return str(round(number, -1)) if high >= _FROM_HERE_ROUND and low not in _YEARS else str(number)


def _price(rng: Random, low: int, high: int) -> str:
    dollars = rng.randint(low, high)
    return f"${dollars:,}{rng.choice(_CENTS) if dollars < _CENTS_BELOW_USD else ''}"


def _brand(rng: Random, split: Split) -> str:
    while True:
        brand = rng.choice(_BEGINNINGS) + rng.choice(_MIDDLES) + rng.choice(_ENDINGS)
        if split_of_name(brand) == split:
            return brand


def _model(rng: Random) -> str:
    return rng.choice(_MODELS) if rng.random() < _WORD_SHARE else f"{rng.choice('ABDEKLMSTX')}{rng.randint(2, 90) * 10}"


@cache
def _nouns(split: Split) -> tuple[str, ...]:
    return tuple(noun for noun in other_nouns() if split_of_name(noun) == split)


@cache
def _family_of() -> dict[str, dict[str, Any]]:
    return {noun: family for family in _tables()["families"].values() for noun in family["nouns"]}


@cache
def _tables() -> dict[str, Any]:
    return read_table("other_goods")
