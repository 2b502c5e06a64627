"""Goods that the storefront does not sell: truly others, told as their data says, held out where they are tested."""

import re
from itertools import chain
from pathlib import Path

import pytest
import yaml

from narrator_ray.demo.films import training_films
from narrator_ray.demo.lexicon import colour_pattern, motion_words, noun_pattern, scene_words, words_of
from narrator_ray.demo.orders import is_plausible_order
from narrator_ray.demo.other_goods import make_other_product, other_facts, other_nouns
from narrator_ray.demo.other_scripts import other_phrases, tell_other
from narrator_ray.demo.plan import window_of
from narrator_ray.demo.splits import SPLITS, split_of_name
from narrator_ray.demo.tables import kinds, market
from narrator_ray.evaluation.outside import read_outside

ROOT = Path(__file__).parents[2]
NUM_FILMS = 150


@pytest.fixture(scope="module")
def scripts():
    """Of many films to learn from."""
    films = training_films("train", range(NUM_FILMS))
    return [tell_other(seed, film.clips, "train") for seed, film in enumerate(films)]


def test_the_storefront_sells_none_of_them():
    """No noun is one of its goods, and each stands once."""
    sold = {noun.lower() for kind in kinds().values() for noun in (*kind.nouns, kind.good)}
    assert len(other_nouns()) > 250
    assert len(set(other_nouns())) == len(other_nouns())
    assert sold.isdisjoint(other_nouns())


def test_products_that_are_examined_on_are_not_learnt():
    """Nouns and facts of the benchmark with real pictures are not in the table, with whatever numbers."""
    rows = yaml.safe_load((ROOT / "benchmarks" / "real_pictures.yaml").read_text())
    assert set(other_nouns()).isdisjoint(noun for row in rows for noun in row["nouns"])
    spoken = [re.sub(r"\{[^{}]*\}|[\d.,]+", "0", fact.lower()) for fact in other_facts()]
    examined = [
        re.sub(r"[\d.,]+", "0", point.lower())
        for row in rows
        for points in row["knowledge"].values()
        for point in points
    ]
    assert len(examined) > 50
    assert set(spoken).isdisjoint(examined)


def test_every_line_fits_and_says_what_the_data_says(scripts):
    """Inside its window, in a plausible order, with the facts that it is said to tell word for word, none twice."""
    told = 0
    for script in scripts:
        video = script.to_video("film", "film.mp4")
        assert is_plausible_order(list(chain.from_iterable(script.labels)))
        facts = [fact.text for lines in script.lines for line in lines for fact in line.facts]
        assert len(set(facts)) == len(facts)
        told += len(facts)
        for clip, narration, lines in zip(script.clips, video.narrations, script.lines, strict=True):
            low, high = window_of(clip.end_s - clip.start_s)
            assert low <= len(narration.split()) <= high
            assert all(fact.text.lower() in narration.lower() for line in lines for fact in line.facts)
            assert "{" not in narration and "<" not in narration and "[" not in narration
    assert told > 0.8 * sum(len(script.lines) for script in scripts)


def test_nothing_is_said_that_only_a_picture_could_show(scripts):
    """No colour, place or motion of the storefront, none of its goods, brands or made-up facts."""
    for script in scripts:
        product = script.product.to_product()
        for narration in script.to_video("film", "film.mp4").narrations:
            reading = read_outside(narration, product, script.product.nouns)
            assert (reading.leaked, reading.facts.contradicted, reading.facts.invented) == ((), (), ()), narration
            assert reading.strange_words == (), narration


def test_phrases_name_nothing_of_the_storefront():
    """Neither goods nor colours, places, motions, brands."""
    text = " ".join(other_phrases())
    assert not noun_pattern().search(text) and not colour_pattern().search(text)
    assert set(words_of(text)).isdisjoint(
        {*scene_words(), *motion_words(), *(name.lower() for name in market().brands)}
    )


def test_nouns_brands_and_facts_are_held_out():
    """In the split train no word of another split's products, and in every split there are some."""
    for split in SPLITS:
        products = [make_other_product(seed, split, 6) for seed in range(60)]
        assert {split_of_name(product.nouns[0]) for product in products} == {split}
        assert {split_of_name(product.name.split()[0]) for product in products} == {split}
        assert len({product.nouns[0] for product in products}) > 8
    assert {split_of_name(fact) for fact in other_facts()} == set(SPLITS)


def test_a_seed_always_gives_the_same():
    """And another seed another product and script."""
    film = next(iter(training_films("train", [3])))
    first, again, other = (tell_other(seed, film.clips, "train") for seed in (1, 1, 2))
    assert first == again
    assert first.product.name != other.product.name


def test_numbers_are_written_as_shops_write_them():
    """Without braces, large ones round and with commas, prices with cents only where they are small."""
    products = [make_other_product(seed, "train", 12) for seed in range(400)]
    texts = [fact.text for product in products for fact in product.facts]
    assert not any(set("{}|") & set(text) for text in texts)
    assert any(re.search(r"\d,\d00", text) for text in texts) and any(re.search(r"\d\.\d", text) for text in texts)
    prices = [product.price for product in products if product.price]
    assert 0.5 * len(products) < len(prices) < len(products)
    assert any("," in price for price in prices) and not any("," in price and "." in price for price in prices)
