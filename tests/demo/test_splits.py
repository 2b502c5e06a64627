"""What is held out: pairs of form and colour, product names, sets of facts; no split leaks into another."""

from itertools import combinations

from narrator_ray.demo.films import training_films
from narrator_ray.demo.products import make_product
from narrator_ray.demo.splits import SPLITS, colour_names, colours_of, split_of_facts, split_of_name, split_of_pair
from narrator_ray.demo.storyboard import form_names, make_storyboard
from narrator_ray.demo.tables import market

PAIRS = [(form, colour) for form in form_names() for colour in colour_names()]


def test_every_form_holds_out_two_colours():
    """One for validation, one for testing; every form and every colour is trained on, and most colours are held out."""
    for form in form_names():
        assert len(colours_of(form, "train")) == len(colour_names()) - 2
        assert len(colours_of(form, "validation")) == len(colours_of(form, "test")) == 1
    for colour in colour_names():
        assert sum(split_of_pair(form, colour) == "train" for form in form_names()) >= 8
    for split in ("validation", "test"):
        assert len({colour for form, colour in PAIRS if split_of_pair(form, colour) == split}) >= 6


def test_the_split_of_a_pair_is_what_it_was():
    """A hash decides, so models are examined on the same pairs however the storefront grows."""
    tested = [pair for pair in PAIRS if split_of_pair(*pair) == "test"]
    assert tested[:3] == [("mug", "white"), ("teapot", "yellow"), ("bottle", "pink")]


def test_names_have_enough_words_in_every_split():
    """Each split has brands and lines for a hundred names of its own at least."""
    for split in SPLITS:
        brands = [name for name in market().brands if split_of_name(name) == split]
        lines = [name for name in market().lines if split_of_name(name) == split]
        assert len(brands) * len(lines) >= 100
        assert len(brands) >= 10


def test_no_film_leaks(split_films):
    """Films of a split show, name and tell only what the split may; half of the tested show pairs never trained on."""
    for split, films in split_films.items():
        for film in films:
            brand = next(name for name in market().brands if film.product.name.startswith(name + " "))
            line = film.product.name.removeprefix(brand + " ")
            assert split_of_name(brand) == split
            assert any(line.startswith(name) and split_of_name(name) == split for name in market().lines)
            assert split_of_facts(fact for facts in film.product.facts.values() for fact in facts) == split
            shown = {split_of_pair(shot.form, shot.colour) for shot in film.storyboard.shots}
            assert shown in ({"train"}, {split})
    for first, second in combinations(split_films.values(), 2):
        assert not {film.product.name for film in first} & {film.product.name for film in second}
        assert not {tuple(film.product.facts.items()) for film in first} & {
            tuple(film.product.facts.items()) for film in second
        }
    unseen = [film for film in split_films["test"] if film.truth()["pair_split"] == "test"]
    assert 0.2 < len(unseen) / len(split_films["test"]) < 0.7


def test_a_seed_decides_everything():
    """The same seed gives the same film; another seed or another split gives another."""
    first, again = next(training_films("train", [3])), next(training_films("train", [3]))
    assert first == again
    assert first != next(training_films("validation", [3]))
    assert make_storyboard(3, split="train") != make_storyboard(4, split="train")
    assert make_product(3, "mug", split="train").name != make_product(4, "mug", split="train").name
