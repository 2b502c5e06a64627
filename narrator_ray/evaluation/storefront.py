"""Reads a narration against the truth of a storefront film: what it names rightly, what it tells and what it makes up.

Made for films of the storefront, whose facts and words are all known. Its limits:

- An attribute is named by the words of vocabulary.toml (``known_by``) and by the nouns of forms and goods; other words
  for it ("scarlet", "by the ocean") are not seen. A noun counts only after a determiner or a colour.
- A fact is told when all its numbers and most of its words are there (see outputs/mentions.py); one that is denied
  counts as told.
- Made up is: a fact of the storefront that the product does not have, word for word but for its numbers; a number that
  its data does not hold, or holds of something else; another brand. Claims in words that no product has are not
  recognised as such; ``strange_words`` lists what neither the phrasebook nor the product's data holds.
- Numbers in words ("two hours") are not compared with numbers in digits.
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
    common_words,
    fact_patterns,
    motion_words,
    noun_pattern,
    own_nouns,
    scene_words,
    words_of,
)
from narrator_ray.demo.tables import vocabulary
from narrator_ray.outputs.mentions import number_spans, used_points
from narrator_ray.records import JsonDict, Product

Verdict = Literal["right", "wrong", "unnamed"]
ATTRIBUTES = ("product", "colour", "scene", "motion")

_CLAUSE_END = re.compile(r"[.!?,;:]+(?=\s|$)")
_BLANK = " | "
"""Stands where a fact or a name was, so that words to its left and right are not taken for neighbours."""
_WORDS_WITHIN_A_PLACE = 2
"""So many words between two words for one scene leave them one mention: "the beach by the sea"."""
_NUMBER_AND_NEXT = re.compile(r"([$]?\d+(?:[.,]\d+)*%?)(?:[ -]([^\W\d_]+))?")


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
    spoken = text.replace("’", "'")
    own = _spans(spoken.lower(), [point.point.lower() for point in product.knowledge])
    foreign = _foreign_facts(spoken.lower(), own)
    rest = _without(spoken, [*own, *((start, end) for start, end, _ in foreign)])
    unnamed = rest.replace(product.name, _BLANK)
    numbers_known, numbers_misused = _numbers(unnamed, product)
    here, back = _scenes(unnamed.lower())
    facts = {point.point.lower() for point in product.knowledge}
    wrong_facts = dict.fromkeys((spoken[start:end], _is_variation(pattern, facts)) for start, end, pattern in foreign)
    brands = [brand for brand in brand_pattern().findall(unnamed) if brand not in product.name]
    return Reading(
        product=_product(rest, unnamed, clip, product, brands),
        colour=_verdict(colour_pattern().findall(unnamed.lower()), clip.colour),
        scene=_verdict(here, clip.scene),
        motion=_verdict([motion_words()[word] for word in _motion_words(unnamed)], clip.motion),
        looking_back="unnamed" if not back else "right" if set(back) <= set(clip.earlier_scenes) else "wrong",
        told=tuple(use.point.point for use in used_points(product, [spoken], "en") if use.used_in),
        contradicted=(*(fact for fact, is_variation in wrong_facts if is_variation), *numbers_misused),
        invented=(*(fact for fact, is_variation in wrong_facts if not is_variation), *numbers_known, *brands),
        strange_words=_strange_words(unnamed, product),
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


def _spans(text: str, phrases: Sequence[str]) -> list[tuple[int, int]]:
    if not phrases:
        return []
    pattern = [re.compile(rf"(?<![\w$]){re.escape(phrase)}(?!\w|[.,]\d)") for phrase in phrases]
    return [match.span() for one in pattern for match in one.finditer(text)]


def _foreign_facts(text: str, own: Sequence[tuple[int, int]]) -> list[tuple[int, int, re.Pattern[str]]]:
    """Facts of the storefront in a text that do not lie within a fact of the product."""
    found = [
        (*match.span(), fact.pattern)
        for fact in fact_patterns()
        if fact.needle in text
        for match in fact.pattern.finditer(text)
    ]
    return [hit for hit in found if not any(start <= hit[0] and hit[1] <= end for start, end in own)]


def _is_variation(pattern: re.Pattern[str], facts: set[str]) -> bool:
    return any(pattern.fullmatch(fact) for fact in facts)


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with a blank for every span; spans may overlap."""
    kept: list[str] = []
    reached = 0
    for start, end in sorted(spans):
        if start >= reached:
            kept += [text[reached:start], _BLANK]
        reached = max(reached, end)
    return "".join([*kept, text[reached:]])


def _product(rest: str, unnamed: str, clip: ClipTruth, product: Product, brands: Sequence[str]) -> Verdict:
    own_brand = next(iter(brand_pattern().findall(product.name)), None)
    is_garbled = own_brand is not None and re.search(rf"(?<!\w){re.escape(own_brand)}(?!\w)", unnamed) is not None
    nouns = {first or second for first, second in noun_pattern().findall(unnamed.lower())}
    if brands or is_garbled or nouns - own_nouns(clip.kind):
        return "wrong"
    return "right" if nouns or product.name in rest else "unnamed"


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


def _numbers(text: str, product: Product) -> tuple[list[str], list[str]]:
    """Numbers that the product's data does not hold, and numbers that it holds of something else."""
    unknown = [text[span.start : span.end] for span in number_spans(text, product) if not span.is_known]
    uses = [use for point in product.knowledge for use in _NUMBER_AND_NEXT.findall(point.point.lower())]
    unfollowed = {number for number, following in uses if not following}
    misused = [
        f"{number} {following}".strip()
        for number, following in _NUMBER_AND_NEXT.findall(text.lower())
        if number not in unfollowed and (number, following) not in uses and number.strip("$%") not in unknown
    ]
    return unknown, misused


def _strange_words(text: str, product: Product) -> tuple[str, ...]:
    data = " ".join((product.name, *(point.point for point in product.knowledge)))
    known = common_words().union(words_of(data), *map(words_of, scene_words()), *map(words_of, motion_words()))
    nouns = noun_pattern().sub(_BLANK, text.lower())
    return tuple(dict.fromkeys(word for word in words_of(nouns) if word not in known))
