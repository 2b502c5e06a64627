"""Ways to make a true narration of the storefront false, one thing at a time."""

import re
from collections.abc import Callable
from random import Random

from narrator_ray.demo.films import Film
from narrator_ray.demo.lexicon import at_words, own_nouns
from narrator_ray.demo.products import make_product
from narrator_ray.demo.script import ScriptedShot
from narrator_ray.demo.storyboard import Shot
from narrator_ray.demo.tables import kinds, market, vocabulary

Corruption = Callable[[Random, Film, int], str | None]
"""Gives a narration that is false in one point, or None where the clip's has nothing of that kind to say."""

COLOURS = "|".join(phrase for phrases in vocabulary().colour.values() for phrase in phrases)


def _clip(film: Film, index: int) -> tuple[Shot, ScriptedShot]:
    return film.storyboard.shots[index], film.script[index]


def _other(rng: Random, values: list[str], own: str) -> str:
    return rng.choice([value for value in values if value != own])


def _swap(text: str, phrase: str, other: str) -> str | None:
    """The text with the first mention of a phrase replaced, its capital kept; None if it is not there."""
    found = at_words([phrase]).search(text) or at_words([phrase[0].upper() + phrase[1:]]).search(text)
    if found is None:
        return None
    other = other[0].upper() + other[1:] if found[0][0].isupper() else other
    return text[: found.start()] + other + text[found.end() :]


def _without_name(text: str, film: Film) -> str:
    """The text without the product's name, in which a noun stands too."""
    return text.replace(film.product.name, "NAME")


def swap_colour(rng: Random, film: Film, index: int) -> str | None:
    """Another colour."""
    shot, said = _clip(film, index)
    if "colour" not in said.mentions:
        return None
    words = vocabulary().colour
    other = rng.choice(words[_other(rng, list(words), shot.colour)])
    text = _without_name(said.narration, film)
    found = [new for phrase in reversed(words[shot.colour]) if (new := _swap(text, phrase, other))]
    return found[0].replace("NAME", film.product.name)


def swap_scene(rng: Random, film: Film, index: int) -> str | None:
    """Another place."""
    shot, said = _clip(film, index)
    if "scene" not in said.mentions:
        return None
    words = vocabulary().scene
    other = rng.choice(words[_other(rng, list(words), shot.scene)])
    phrases = sorted(words[shot.scene], key=len, reverse=True)
    return next(new for phrase in phrases if (new := _swap(said.narration, phrase, other)))


def swap_motion(rng: Random, film: Film, index: int) -> str | None:
    """Another motion."""
    shot, said = _clip(film, index)
    if "motion" not in said.mentions:
        return None
    words, them = vocabulary(), "them" if film.product.kind.is_plural else "it"
    for table in (words.watch, words.doing):
        other = rng.choice(table[_other(rng, list(table), shot.motion)]).replace("{them}", them)
        for phrase in sorted(table[shot.motion], key=len, reverse=True):
            new = _swap(said.narration, phrase.replace("{them}", them), other)
            if new:
                return new
    raise AssertionError(said)


def swap_product(rng: Random, film: Film, index: int) -> str | None:
    """A thing of another form."""
    shot, said = _clip(film, index)
    kind = film.product.kind
    other = rng.choice([other for other in kinds().values() if not own_nouns(other.name) & own_nouns(kind.name)])
    text = _without_name(said.narration, film)
    for noun in sorted({*kind.nouns, kind.good}, key=len, reverse=True):
        lead = rf"(?:[Tt]h(?:is|ese|e|e same)|[Ee]ach|[Aa]n?)(?: (?:{COLOURS}))?"
        found = re.search(rf"(?<!\w){lead} ({re.escape(noun)})(?!\w)", text)
        if found:
            return (text[: found.start(1)] + other.nouns[0] + text[found.end(1) :]).replace("NAME", film.product.name)
    return None


def swap_fact(rng: Random, film: Film, index: int) -> str | None:
    """A fact of the same category that another product of the same kind has, or has with other numbers."""
    _, said = _clip(film, index)
    product = film.product
    fact = rng.choice(said.facts) if said.facts else ""
    category = next((name for name, facts in product.facts.items() if fact in facts), "price")
    if category == "price":
        return None
    first = rng.randrange(10**6)
    for seed in range(first, first + 20):
        others = make_product(seed, product.kind.form, kind=product.kind.name).facts.get(category, ())
        new = [other for other in others if not any(other in own or own in other for own in product.facts[category])]
        if new:
            return _swap(said.narration, fact, new[0])
    return None


def swap_number(rng: Random, film: Film, index: int) -> str | None:
    """Another number in a fact or the price."""
    _, said = _clip(film, index)
    facts = [fact for fact in said.facts if re.search(r"\d", fact)]
    if not facts:
        return None
    fact = rng.choice(facts)
    found = rng.choice(list(re.finditer(r"\d+", fact)))
    other = str(int(found[0]) + rng.choice((1, 2, 3, 10, 40)))
    return _swap(said.narration, fact, fact[: found.start()] + other + fact[found.end() :])


def swap_brand(rng: Random, film: Film, index: int) -> str | None:
    """Another brand in the product's name."""
    _, said = _clip(film, index)
    brand = next(name for name in market().brands if film.product.name.startswith(name + " "))
    return _swap(said.narration, brand, _other(rng, list(market().brands), brand))


def swap_memory(rng: Random, film: Film, index: int) -> str | None:
    """A place in which no earlier clip showed the product."""
    _, said = _clip(film, index)
    if said.looks_back_to is None:
        return None
    words = vocabulary().scene
    shown = {shot.scene for shot in film.storyboard.shots[:index]}
    other = rng.choice([scene for scene in words if scene not in shown])
    return _swap(said.narration, words[said.looks_back_to][0], words[other][0])


CORRUPTIONS: dict[str, Corruption] = {
    "colour": swap_colour,
    "scene": swap_scene,
    "motion": swap_motion,
    "product": swap_product,
    "fact": swap_fact,
    "number": swap_number,
    "brand": swap_brand,
    "memory": swap_memory,
}
