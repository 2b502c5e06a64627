"""The reader of narrations: every true line reads as true, and what is made false in one point is caught."""

from itertools import pairwise
from random import Random

import pytest

from narrator_ray.demo.films import training_films
from narrator_ray.evaluation.storefront import ATTRIBUTES, ClipTruth, clip_truths, read_line, read_story, summary
from narrator_ray.records import KnowledgePoint, Product
from tests.evaluation.corruptions import CORRUPTIONS

MUG = Product(
    "Lumora Ember Coffee Mug",
    tuple(
        KnowledgePoint(category, point)
        for category, point in (
            ("effect", "keeps coffee hot for 60 minutes"),
            ("effect", "holds a generous 400 milliliters"),
            ("material", "fine bone china"),
            ("audience", "office regulars"),
            ("price", "$24"),
            ("offer", "20% off today"),
            ("quality", "a handle for all four fingers"),
        )
    ),
)
CLIP = ClipTruth("coffee_mug", "red", "kitchen", "bounce", ("beach", "forest"))


def test_all_lines_of_the_storefront_read_as_true(films):
    """What the reader sees in a script is exactly what the script says it names, tells and looks back to."""
    for film in films:
        product = film.product.to_product()
        readings = read_story([shot.narration for shot in film.script], film.truth(), product)
        for shot, reading in zip(film.script, readings, strict=True):
            assert reading.is_true, (shot, reading)
            assert tuple(name for name in ATTRIBUTES if getattr(reading, name) == "right") == shot.mentions, shot
            assert (reading.looking_back == "right") == (shot.looks_back_to is not None), shot
            assert set(shot.facts) <= set(reading.told), (shot, reading)
            assert reading.strange_words == (), shot


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_is_made_false_is_caught(films, name):
    """At least 99 of 100 narrations that are false in one point are not read as true."""
    rng, missed, tried = Random(name), [], 0
    for film in films:
        product, truths = film.product.to_product(), clip_truths(film.truth())
        for index, truth in enumerate(truths):
            corrupted = CORRUPTIONS[name](rng, film, index)
            if corrupted is not None:
                tried += 1
                missed += [corrupted] if read_line(corrupted, truth, product).is_true else []
    assert tried >= 30
    assert len(missed) <= 0.01 * tried, missed


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("In the kitchen, watch this red mug bounce.", {}),
        ("This cherry-red Lumora Ember Coffee Mug keeps coffee hot for 60 minutes.", {}),
        ("The same red mug you saw at the beach looks lovely in the kitchen.", {}),
        ("First in the forest, now in the kitchen. This mug is hopping.", {}),
        ("Get it for $24, with 20% off today.", {}),
        ("Office regulars love it.", {}),
        ("This blue mug is yours.", {"colour": "wrong"}),
        ("A red mug, or is it blue?", {"colour": "wrong"}),
        ("This red teapot is yours.", {"product": "wrong"}),
        ("The Lumora Cloud Coffee Mug is here.", {"product": "wrong"}),
        ("The Nordavi Ember Coffee Mug is here.", {"product": "wrong", "invented": ("Nordavi",)}),
        ("The red mug you saw at the beach looks lovely at the beach.", {"scene": "wrong"}),
        ("Watch it glide by.", {"motion": "wrong"}),
        ("At the beach, this red mug shines.", {"scene": "wrong"}),
        ("The red mug you saw in the snow shines in the kitchen.", {"looking_back": "wrong"}),
        ("You saw it in the kitchen, now at the beach.", {"looking_back": "wrong", "scene": "wrong"}),
        ("It keeps coffee hot for 90 minutes.", {"contradicted": ("keeps coffee hot for 90 minutes",)}),
        ("Coffee stays hot for 400 minutes.", {"contradicted": ("400 minutes",)}),
        ("Just $42 for this mug.", {"invented": ("42",)}),
        ("It comes with a lead-free glaze.", {"invented": ("a lead-free glaze",)}),
        ("It is made of thick glazed ceramic.", {"invented": ("thick glazed ceramic",)}),
        ("Now 25% off today.", {"contradicted": ("25% off today",)}),
    ],
)
def test_right_wrong_and_tricky_sentences(text, wrong):
    """One verdict each: only what is wrong is called so."""
    reading = read_line(text, CLIP, MUG)
    found = {name: getattr(reading, name) for name in (*ATTRIBUTES, "looking_back")}
    assert {name: verdict for name, verdict in found.items() if verdict == "wrong"} == {
        name: verdict for name, verdict in wrong.items() if verdict == "wrong"
    }
    assert reading.contradicted == wrong.get("contradicted", ())
    assert reading.invented == wrong.get("invented", ())
    assert reading.is_true is (not wrong)


def test_what_is_named_and_told_is_said():
    """Verdicts, facts in other words, and words that nobody gave the narrator."""
    reading = read_line("In the kitchen, this red mug keeps your coffee hot for 60 minutes, splendidly.", CLIP, MUG)
    assert (reading.product, reading.colour, reading.scene, reading.motion) == ("right", "right", "right", "unnamed")
    assert reading.told == ("keeps coffee hot for 60 minutes",)
    assert reading.strange_words == ("splendidly",)


@pytest.mark.parametrize(
    "text",
    ["By the ocean, this scarlet mug shines.", "It lasts a lifetime.", "It stays warm for two hours."],
)
def test_what_the_reader_does_not_see(text):
    """Its documented limits: other words for an attribute, claims no product makes, numbers in words."""
    assert read_line(text, CLIP, MUG).is_true


def test_clips_in_another_colour_are_not_looked_back_to():
    """Of earlier clips only those count that show the same colour."""
    clips = [
        {"colour": colour, "scene": scene, "motion": "slide"}
        for colour, scene in (("red", "beach"), ("blue", "forest"), ("red", "kitchen"))
    ]
    truths = clip_truths({"kind": "coffee_mug", "clips": clips})
    assert [truth.earlier_scenes for truth in truths] == [(), (), ("beach",)]


def test_many_readings_are_summed_up():
    """Shares of clips; of an attribute, how often it is named and how often rightly where it is."""
    texts = ["In the kitchen, this red mug shines.", "This blue mug holds a generous 500 milliliters.", "Look at that."]
    shares = summary([read_line(text, CLIP, MUG) for text in texts])
    assert shares["colour_named"] == pytest.approx(2 / 3)
    assert shares["colour_right"] == pytest.approx(1 / 2)
    assert shares["scene_right"] == 1.0
    assert shares["motion_named"] == 0.0
    assert shares["untrue_facts"] == pytest.approx(1 / 3)


def test_the_wrong_film_reads_as_wrong():
    """Scripts read against the truth of other films: attributes are right by chance only."""
    films = list(training_films("train", range(40, 60)))
    readings = []
    for film, other in pairwise(films):
        truths = clip_truths(other.truth())
        readings += [
            read_line(shot.narration, truths[index % len(truths)], film.product.to_product())
            for index, shot in enumerate(film.script)
        ]
    shares = summary(readings)
    assert shares["scene_right"] < 0.35
    assert shares["colour_right"] < 0.4
    assert shares["untrue_facts"] == 0.0


@pytest.mark.parametrize(
    ("noun", "verdict"),
    [("kids' sunglasses", "right"), ("sunglasses", "right"), ("glasses", "right"), ("mug", "wrong")],
)
def test_a_product_may_be_called_by_the_last_word_of_its_noun(noun, verdict):
    """Kids' sunglasses are sunglasses; the form that is drawn may be named too."""
    clip = ClipTruth("kids_glasses", "red", "kitchen", "bounce", ())
    assert read_line(f"Meet these {noun}.", clip, Product("Lumora Ember Kids' Sunglasses")).product == verdict
