"""What is sold: how much of it, and that its words suit every sentence they may stand in."""

import re
from collections import Counter
from itertools import chain

import pytest

from narrator_ray.demo.lexicon import at_words
from narrator_ray.demo.products import facts_of, make_product
from narrator_ray.demo.shapes import DRAW_SHAPE
from narrator_ray.demo.tables import forms, kinds, kinds_of, market, phrasebook, vocabulary
from narrator_ray.records import ScriptLabel

NEVER_CLAIMED = re.compile(
    r"\b(best|perfect|perfectly|ultimate|greatest|finest|unbeatable|number one|no\. 1|world's|never|always|guaranteed|"
    r"miracle|cures?|only one|top-rated|unique)\b|(?<!\d)100 ?%"
)
FACTS = sorted({fact for name in kinds() for facts in facts_of(name).values() for fact in facts})


def first_words(category: str) -> set[tuple[bool, str]]:
    """How facts of a category begin, by whether their product is plural."""
    return {
        (kind.is_plural, fact.split()[0]) for kind in kinds().values() for fact in facts_of(kind.name).get(category, ())
    }


def lines() -> list[str]:
    """Every line of the phrasebook."""
    books = [phrasebook(shown) for shown in ("itself", "packed", "served")]
    tables = chain.from_iterable((*book.labels.values(), *book.rules.values(), book.colour_variant) for book in books)
    return sorted(set(chain.from_iterable(tables)))


def test_the_shop_is_large():
    """At least 200 kinds, 150 brands, 12 facts a kind; every form stands for several kinds and can be drawn."""
    assert len(kinds()) >= 200
    assert len(market().brands) >= 150
    assert min(len(list(chain.from_iterable(facts_of(name).values()))) for name in kinds()) >= 12
    assert set(forms()) == set(DRAW_SHAPE)
    assert min(len(kinds_of(form)) for form in forms()) >= 8


def test_every_label_is_told_in_fifteen_ways():
    """For whatever is shown, every script label has at least 15 lines, and none twice."""
    for shown in ("itself", "packed", "served"):
        book = phrasebook(shown)
        assert set(book.labels) == set(map(str, ScriptLabel))
        assert min(len(set(found)) for found in book.labels.values()) >= 15
        assert all(len(set(found)) == len(found) for found in book.labels.values())


@pytest.mark.parametrize("names", [market().brands, market().lines, [kind.good for kind in kinds().values()]])
def test_no_name_is_there_twice(names):
    """Brands, lines and goods are each there once."""
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_no_fact_is_there_twice_in_a_kind():
    """A kind and its family do not list the same fact, and no fact is in two categories."""
    for name in kinds():
        facts = list(chain.from_iterable(facts_of(name).values()))
        assert [fact for fact, count in Counter(facts).items() if count > 1] == [], name


def test_no_fact_says_what_is_only_to_be_seen():
    """Facts name no colour, scene or motion, nor what a reader takes for one."""
    words = vocabulary()
    seen = [*words.colour, *chain(*words.known_scene.values()), *chain(*words.known_motion.values())]
    assert [fact for fact in FACTS if at_words(seen).search(fact.lower())] == []


@pytest.mark.parametrize("texts", [FACTS, lines()], ids=["facts", "lines"])
def test_nothing_is_claimed_absolutely(texts):
    """No fact and no line says best, never or the like."""
    assert [text for text in texts if NEVER_CLAIMED.search(text.lower())] == []


def test_facts_are_short_phrases():
    """A fact is at most nine words long, begins in lower case, and is no sentence."""
    for fact in FACTS:
        assert len(fact.split()) <= 9, fact
        assert not re.search(r"[.!?;:]$", fact), fact
        assert fact[0].islower() or re.match(r"[{\d]|U[VP]", fact), fact


def test_effects_agree_in_number():
    """A singular product's effects are in the third person, a plural one's are not."""
    for is_plural, word in first_words("effect"):
        is_third_person = word.endswith("s") and not word.endswith("ss")
        assert is_third_person != is_plural or word in ("does", "is", "has"), (is_plural, word)


def test_numbers_do_not_fall_below_two():
    """No choice of numbers makes a plural wrong ("1 hours")."""
    assert [fact for fact in FACTS if re.search(r"(?<![\d.,])1[ |}][^ ]*s\b|\{1\|", fact)] == []


def test_names_are_written_as_titles():
    """Capitals for every word of the noun, none after an apostrophe; a fifth of those to learn from have no noun."""
    products = [make_product(seed, "watch", kind="kids_watch", split="train") for seed in range(200)]
    full = [product for product in products if product.name.endswith(" Kids' Watch")]
    assert 0.7 < len(full) / len(products) < 0.9
    assert all(make_product(seed, "watch", kind="kids_watch").name.endswith(" Kids' Watch") for seed in range(50))
    assert all(product.name.split()[0].istitle() for product in products)
