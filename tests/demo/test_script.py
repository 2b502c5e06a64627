"""Scripts of the storefront: plausible order, natural sentences, nothing but the product's own facts, nothing twice."""

import re
from collections import Counter
from itertools import chain
from random import Random

import pytest

from narrator_ray.demo.orders import ENDING, is_plausible_order
from narrator_ray.demo.phrasing import article, phrase
from narrator_ray.demo.plan import window_of
from narrator_ray.demo.tables import vocabulary
from narrator_ray.records import ScriptLabel

ARTICLE_AND_WORD = re.compile(r"\b[Aa]n? (?=[a-z])([a-z]+)")


def test_every_film_is_told_in_a_plausible_order(films):
    """The labels of its clips follow the grammar of orders; a film of several clips ends with a call to action."""
    for film in films:
        labels = list(chain.from_iterable(shot.labels for shot in film.script))
        assert is_plausible_order(labels), labels
        assert labels[-1] == ENDING or len(film.script) == 1


def test_all_labels_are_told(films):
    """Every script label occurs, the rarest in one of a hundred clips."""
    counts = Counter(label for film in films for shot in film.script for label in shot.labels)
    assert min(counts[label] for label in ScriptLabel) > 0.01 * sum(len(film.script) for film in films)


def test_every_line_fits_its_shot_and_reads_as_sentences(films):
    """In the window, capital first, final punctuation last, no slot or option left, no stray comma."""
    for film in films:
        for clip, shot in zip(film.clips, film.script, strict=True):
            low, high = window_of(clip.duration_s)
            assert low <= len(shot.narration.split()) <= high, shot
            assert re.fullmatch(r"[A-Z0-9$][^{}<>\[\]:()|]*[.!?]", shot.narration), shot
            assert not re.search(r"[,.!?]{2}| ,|  |[.!?] [a-z]", shot.narration), shot


def test_articles_suit_the_next_word(films):
    """No "a orange mug", no "an ukulele"."""
    for shot in chain.from_iterable(film.script for film in films):
        for match in ARTICLE_AND_WORD.finditer(shot.narration):
            assert match[0].split()[0].lower() == article(match[1]), shot


def test_facts_are_the_products_own_and_told_once(films):
    """What a line is said to tell is in it word for word, is a fact of the product, and is not told again."""
    for film in films:
        own = set(chain.from_iterable(film.product.facts.values()))
        told = list(chain.from_iterable(shot.facts for shot in film.script))
        assert set(told) <= own
        assert len(set(told)) == len(told)
        assert all(fact.lower() in shot.narration.lower() for shot in film.script for fact in shot.facts)
    assert sum(len(shot.facts) for film in films for shot in film.script) > 0.9 * sum(
        len(film.script) for film in films
    )


def test_what_is_mentioned_is_known(films):
    """Every line names something visible, and every attribute is named often."""
    shots = list(chain.from_iterable(film.script for film in films))
    mentions = Counter(chain.from_iterable(shot.mentions for shot in shots))
    assert all(shot.mentions for shot in shots)
    shares = {name: mentions[name] / len(shots) for name in ("product", "colour", "scene", "motion")}
    assert shares["product"] > 0.8
    assert shares["colour"] > 0.6
    assert min(shares.values()) > 0.3, shares


def test_lines_look_back_to_what_was_shown(films):
    """A line reminds of a scene in which an earlier clip showed the product in the same colour; some do."""
    num_looking_back = 0
    for film in films:
        for index, shot in enumerate(film.script):
            if shot.looks_back_to is not None:
                num_looking_back += 1
                colour = film.storyboard.shots[index].colour
                earlier = [other.scene for other in film.storyboard.shots[:index] if other.colour == colour]
                assert shot.looks_back_to in earlier
                assert vocabulary().scene[shot.looks_back_to][0] in shot.narration.lower()
    assert num_looking_back > 0.04 * sum(len(film.script) for film in films)


def test_a_story_never_repeats_a_phrase(films):
    """No run of four words is heard twice in a film, the product's name counting as one word."""
    for film in films:
        heard: set[tuple[str, ...]] = set()
        for shot in film.script:
            words = re.findall(r"[\w$%'-]+", shot.narration.replace(film.product.name, "Name").lower())
            runs = set(zip(*(words[start:] for start in range(4)), strict=False))
            assert not runs & heard, (shot, runs & heard)
            heard |= runs


def test_long_shots_are_told_by_several_labels(films):
    """A shot of up to 12 seconds has up to three labels and more words."""
    long = [shot for film in films for clip, shot in zip(film.clips, film.script, strict=True) if clip.duration_s > 8]
    assert len(long) > 20
    counts = [len(shot.labels) for shot in long]
    assert max(counts) == 3
    assert counts.count(1) <= 0.05 * len(counts), "one label is for a shot that has nothing more to say"
    assert min(len(shot.narration.split()) for shot in long) >= 17


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("the {noun} {is} here.", "The mug is here."),
        ("<greeting>, {noun}!", "Hello, mug!"),
        ("{nested}.", "The mug."),
        ("look: the {noun}.", "Look. The mug."),
        ("a(n) {colour} {noun}.", "An orange mug."),
        ("no {missing} fact.", None),
    ],
)
def test_lines_are_filled(line, expected):
    """Rules, slots in slots, articles, colons, and slots that are empty."""
    slots = {"noun": ("mug",), "is": ("is",), "nested": ("the {noun}",), "colour": ("orange",), "missing": ()}
    said = phrase(line, {"greeting": ("hello",)}, slots, Random(0))
    assert (said and said.text) == expected


def test_what_was_filled_is_told():
    """A phrase tells its slots and their words, those within slots too."""
    said = phrase("see {nested}.", {}, {"noun": ("mug",), "nested": ("the {noun}",)}, Random(0))
    assert said is not None
    assert set(said.filled) == {("nested", "the {noun}"), ("noun", "mug")}
