"""Reads a narration against the truth of a storefront film: what it names rightly, what it tells and what it makes up.

Made for films of the storefront, whose facts and words are all known. Its limits:

- An attribute is named by the words of vocabulary.toml (``known_by``) and by the nouns of forms and goods; other words
  for it ("scarlet", "by the ocean") are not seen. A noun counts only after a determiner or a colour.
- Of facts: see evaluation/facts.py.
- A place is one of an earlier clip when ``known_by.looking_back`` says so before it within the same clause.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from narrator_ray.demo.lexicon import (
    at_words,
    brand_pattern,
    colour_pattern,
    motion_words,
    noun_pattern,
    own_nouns,
    scene_words,
)
from narrator_ray.demo.tables import vocabulary
from narrator_ray.evaluation.facts import FactReading, read_facts
from narrator_ray.records import JsonDict, Product

Verdict = Literal["right", "wrong", "unnamed"]
ATTRIBUTES = ("product", "colour", "scene", "motion")

_CLAUSE_END = re.compile(r"[.!?,;:]+(?=\s|$)")
_WORDS_WITHIN_A_PLACE = 2
"""So many words between two words for one scene leave them one mention: "the beach by the sea"."""


@dataclass(frozen=True, slots=True)
class ClipTruth:
    """What is true of a clip.

    Attributes:
        kind: Product kind.
        colour: Colour of the product in this clip.
        scene: Where it is shown.
        motion: How it or the camera moves.
        earlier_scenes: Where clips before this one showed it in the same colour.
    """

    kind: str
    colour: str
    scene: str
    motion: str
    earlier_scenes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a narration says of its clip.

    Attributes:
        product: Whether it names the product, and rightly.
        colour: Likewise its colour; one wrong colour among right ones is wrong.
        scene: Likewise the place.
        motion: Likewise the motion.
        looking_back: Whether it reminds of the place of an earlier clip, and rightly.
        told: The product's facts that it tells.
        contradicted: Statements that are those of the product's facts but for a number or a word.
        invented: Facts, numbers and brands that the product's data does not hold.
        strange_words: Words that neither the phrasebook nor the product's data holds.
    """

    product: Verdict
    colour: Verdict
    scene: Verdict
    motion: Verdict
    looking_back: Verdict
    told: tuple[str, ...]
    contradicted: tuple[str, ...]
    invented: tuple[str, ...]
    strange_words: tuple[str, ...]

    @property
    def is_true(self) -> bool:
        """Whether nothing in it is wrong, contradicted or invented."""
        verdicts = (self.product, self.colour, self.scene, self.motion, self.looking_back)
        return "wrong" not in verdicts and not self.contradicted and not self.invented


def clip_truths(truth: JsonDict) -> list[ClipTruth]:
    """The truth about every clip of a film, from the ``extra.truth`` of its catalogue row."""
    clips = truth["clips"]
    return [
        ClipTruth(
            truth["kind"],
            clip["colour"],
            clip["scene"],
            clip["motion"],
            tuple(other["scene"] for other in clips[:index] if other["colour"] == clip["colour"]),
        )
        for index, clip in enumerate(clips)
    ]


def read_story(narrations: Sequence[str], truth: JsonDict, product: Product) -> list[Reading]:
    """A reading of every narration of a film; truth as in :func:`clip_truths`."""
    return [read_line(text, clip, product) for text, clip in zip(narrations, clip_truths(truth), strict=True)]


def read_line(text: str, clip: ClipTruth, product: Product) -> Reading:
    """What one narration says.

    Args:
        text: The narration.
        clip: The truth about its clip.
        product: The product's name and facts as the narrator was given them.
    """
    facts = read_facts(text, product)
    unnamed = facts.unnamed
    here, back = _scenes(unnamed.lower())
    return Reading(
        product=_product(facts, clip, product),
        colour=_verdict(colour_pattern().findall(unnamed.lower()), clip.colour),
        scene=_verdict(here, clip.scene),
        motion=_verdict([motion_words()[word] for word in _motion_words(unnamed)], clip.motion),
        looking_back="unnamed" if not back else "right" if set(back) <= set(clip.earlier_scenes) else "wrong",
        told=facts.told,
        contradicted=facts.contradicted,
        invented=facts.invented,
        strange_words=facts.strange_words,
    )


def summary(readings: Sequence[Reading]) -> dict[str, float]:
    """Shares over many clips.

    Returns:
        For every attribute and for looking back, ``X_named``: share of clips that name it, and ``X_right``: share of
        those that name it rightly (1 where none names it). ``untrue_facts``: share of clips with an invented or
        contradicted fact. ``true``: share of clips in which nothing is wrong.
    """
    shares: dict[str, float] = {}
    for name in (*ATTRIBUTES, "looking_back"):
        verdicts = [getattr(reading, name) for reading in readings]
        named = [verdict for verdict in verdicts if verdict != "unnamed"]
        shares[f"{name}_named"] = len(named) / len(verdicts)
        shares[f"{name}_right"] = named.count("right") / len(named) if named else 1.0
    shares["untrue_facts"] = sum(bool(one.invented or one.contradicted) for one in readings) / len(readings)
    shares["true"] = sum(one.is_true for one in readings) / len(readings)
    return shares


def _verdict(named: Sequence[str], true: str) -> Verdict:
    if not named:
        return "unnamed"
    return "right" if set(named) == {true} else "wrong"


def _product(facts: FactReading, clip: ClipTruth, product: Product) -> Verdict:
    own_brand = next(iter(brand_pattern().findall(product.name)), None)
    is_garbled = own_brand is not None and at_words([own_brand]).search(facts.unnamed) is not None
    nouns = {first or second for first, second in noun_pattern().findall(facts.unnamed.lower())}
    if facts.brands or is_garbled or nouns - own_nouns(clip.kind):
        return "wrong"
    return "right" if nouns or product.name in facts.rest else "unnamed"


def _motion_words(text: str) -> list[str]:
    return at_words(motion_words()).findall(text.lower())


def _scenes(text: str) -> tuple[list[str], list[str]]:
    """Scenes that a text places the clip in, and scenes of earlier clips it reminds of."""
    here: list[str] = []
    back: list[str] = []
    pattern = at_words([*scene_words(), *vocabulary().looking_back])
    for clause in _CLAUSE_END.split(text):
        is_looking_back, last, end = False, "", 0
        for match in pattern.finditer(clause):
            scene = scene_words().get(match[1])
            is_same_place = scene == last and len(clause[end : match.start()].split()) <= _WORDS_WITHIN_A_PLACE
            if scene is None:
                is_looking_back = True
            elif not is_same_place:
                (back if is_looking_back else here).append(scene)
                is_looking_back = False
            last, end = scene or "", match.end()
    return here, back
