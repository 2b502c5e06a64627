"""Scripts of the storefront: plausible order, natural sentences, nothing but the product's own facts."""

import re

import pytest

from narrator_ray.demo.phrasing import phrase
from narrator_ray.demo.products import make_product
from narrator_ray.demo.script import ENDING, OPENINGS, window_of, write_script
from narrator_ray.demo.storyboard import FPS, colour_names, kind_names, make_storyboard, split_of
from narrator_ray.demo.tables import kinds, market, phrasebook, vocabulary

FILMS = [(make_storyboard(seed), make_product(seed, make_storyboard(seed).kind)) for seed in range(300)]


def test_every_film_opens_and_ends_as_a_story():
    """Recommendation or sore point first, call to action last, nothing of that in between."""
    for film, product in FILMS:
        labels = [shot.label for shot in write_script(film, product)]
        assert labels[-1] == ENDING
        assert labels[0] in OPENINGS or film.shots[0].num_frames < 90
        assert ENDING not in labels[:-1]


def test_every_line_fits_its_shot_and_ends_as_a_sentence():
    """300 films: in the window, capital first, final punctuation last, no slot or option left."""
    for film, product in FILMS:
        for shot, scripted in zip(film.shots, write_script(film, product), strict=True):
            low, high = window_of(shot.num_frames / FPS)
            assert low <= len(scripted.narration.split()) <= high, scripted
            assert re.fullmatch(r"[A-Z0-9][^{}<>\[\]:]*[.!?]", scripted.narration), scripted


def test_facts_come_from_the_product():
    """A fact of the kind that this product does not have is never told."""
    told = 0
    for film, product in FILMS:
        own = {fact for facts in product.facts.values() for fact in facts}
        possible = {fact for facts in (product.kind.facts | market().facts).values() for fact in facts}
        for scripted in write_script(film, product):
            text = scripted.narration.lower()
            assert not [fact for fact in possible - own if fact.lower() in text and not any(fact in o for o in own)]
            told += any(fact.lower() in text for fact in own)
    assert told > 800


def test_what_is_named_is_seen():
    """A colour in a line is the colour of its shot."""
    words = vocabulary().colour
    for film, product in FILMS:
        for shot, scripted in zip(film.shots, write_script(film, product), strict=True):
            spoken = scripted.narration.replace(product.name, "").lower()
            for fact in (fact for facts in product.facts.values() for fact in facts):
                spoken = spoken.replace(fact.lower(), "")
            named = {colour for colour in words if re.search(rf"\b{colour}\b", spoken)}
            assert named <= {shot.colour}, scripted


def test_what_is_mentioned_is_known():
    """Every line names something visible; every attribute is named often; a colour word is mentioned as a colour."""
    words = vocabulary().colour
    mentions: list[str] = []
    for film, product in FILMS:
        for shot, scripted in zip(film.shots, write_script(film, product), strict=True):
            assert scripted.mentions
            mentions += scripted.mentions
            spoken = scripted.narration.lower().replace(product.name.lower(), "")
            is_named = any(re.search(rf"\b{re.escape(name)}\b", spoken) for name in words[shot.colour])
            assert is_named == ("colour" in scripted.mentions), scripted
    lines = sum(len(film.shots) for film, _ in FILMS)
    shares = {name: mentions.count(name) / lines for name in ("product", "colour", "scene", "motion")}
    assert min(shares.values()) > 0.3, shares


def test_a_film_never_says_a_line_twice():
    """No narration of a film is part of an earlier one."""
    for film, product in FILMS:
        spoken = [scripted.narration.lower() for scripted in write_script(film, product)]
        assert not [line for index, line in enumerate(spoken) if line in " ".join(spoken[:index])]


def test_every_label_has_at_least_four_lines():
    """Variety: no label is told in one way."""
    assert all(len(lines) >= 4 for lines in phrasebook().labels.values())


def test_held_out_pairs_are_a_fifth_of_every_kind():
    """Every kind has colours to train on and colours to test on."""
    for kind in kind_names():
        held_out = [colour for colour in colour_names() if split_of(kind, colour) == "held_out"]
        assert 1 <= len(held_out) <= 2
    pairs = len(kind_names()) * len(colour_names())
    share = sum(split_of(k, c) == "held_out" for k in kind_names() for c in colour_names()) / pairs
    assert 0.15 <= share <= 0.25


def test_the_shop_is_large_enough():
    """At least 12 products, 8 colours, 6 scenes, 4 motions."""
    words = vocabulary()
    assert (len(kinds()) >= 12, len(words.colour) >= 8, len(words.scene) >= 6, len(words.doing) >= 4) == (True,) * 4


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("the {noun} {is} here.", "The mug is here."),
        ("<greeting>, {noun}!", "Hello, mug!"),
        ("{nested}.", "The mug."),
        ("look: the {noun}.", "Look. The mug."),
        ("no {missing} fact.", None),
    ],
)
def test_lines_are_filled(line, expected):
    """Rules, slots in slots, colons, and slots that are empty."""
    import random

    slots = {"noun": ("mug",), "is": ("is",), "nested": ("the {noun}",), "missing": ()}
    assert phrase(line, {"greeting": ("hello",)}, slots, random.Random(0)) == expected
