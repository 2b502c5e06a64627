"""In which order a story tells what it has to tell: a small grammar of script labels.

A story opens, goes through some of the stages of one arc in their order, and ends by asking to buy:

    story    = opening, {stage of the arc}, ending
    opening  = recommendation | sore point | sore point, recommendation | recommendation, sore point
    ending   = call to action

    arc "show and tell"   look -> substance -> use -> trust
    arc "try it first"    use -> look -> substance -> trust
    arc "proof first"     trust -> use -> look -> substance
    arc "beauty last"     use -> trust -> substance -> look

    look      = design of appearance
    substance = ingredient, material, texture | production process | specific characteristics
    use       = product trial | product effect | others
    trust     = authoritative certificate | product security | others

Within a stage labels stand in any order. A label is told twice only when every other one that the product has facts for
is told as well. A story of one line is an opening or an ending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from narrator_ray.records import ScriptLabel

Labels = tuple[ScriptLabel, ...]

_RECOMMENDATION, _SORE_POINT = ScriptLabel.PRODUCT_RECOMMENDATION, ScriptLabel.SORE_POINT
OPENINGS: tuple[Labels, ...] = (
    (_RECOMMENDATION,),
    (_SORE_POINT,),
    (_SORE_POINT, _RECOMMENDATION),
    (_RECOMMENDATION, _SORE_POINT),
)
ENDING = ScriptLabel.CALL_TO_ACTION
_LONGEST_OPENING = max(map(len, OPENINGS))

_LOOK = (ScriptLabel.APPEARANCE_DESIGN,)
_SUBSTANCE = (
    ScriptLabel.INGREDIENT_MATERIAL_TEXTURE,
    ScriptLabel.PRODUCTION_PROCESS,
    ScriptLabel.SPECIFIC_CHARACTERISTICS,
)
_USE = (ScriptLabel.PRODUCT_TRIAL, ScriptLabel.PRODUCT_EFFECT, ScriptLabel.OTHERS)
_TRUST = (ScriptLabel.AUTHORITATIVE_CERTIFICATE, ScriptLabel.PRODUCT_SECURITY, ScriptLabel.OTHERS)
ARCS: tuple[tuple[Labels, ...], ...] = (
    (_LOOK, _SUBSTANCE, _USE, _TRUST),
    (_USE, _LOOK, _SUBSTANCE, _TRUST),
    (_TRUST, _USE, _LOOK, _SUBSTANCE),
    (_USE, _TRUST, _SUBSTANCE, _LOOK),
)


def draw_order(rng: Random, length: int, possible: Mapping[ScriptLabel, int]) -> list[ScriptLabel]:
    """A plausible order of so many labels.

    Args:
        rng: Decides.
        length: How many labels, at least one and at most :func:`most_labels`.
        possible: How often the product has something to say for each label of the middle.
    """
    if length == 1:
        return [rng.choice((_RECOMMENDATION, _SORE_POINT, ENDING))]
    if length == 2:
        return [rng.choice((_RECOMMENDATION, _SORE_POINT)), ENDING]
    least = min(length - 1 - sum(possible.values()), _LONGEST_OPENING)
    opening = rng.choice([opening for opening in OPENINGS if least <= len(opening) < length])
    return [*opening, *_middle(rng, length - len(opening) - 1, possible), ENDING]


def most_labels(possible: Mapping[ScriptLabel, int]) -> int:
    """Length of the longest order."""
    return _LONGEST_OPENING + sum(possible.values()) + 1


def is_plausible_order(labels: Sequence[ScriptLabel]) -> bool:
    """Whether the grammar could have told a story in that order."""
    if len(labels) == 1:
        return labels[0] in (_RECOMMENDATION, _SORE_POINT, ENDING)
    if not labels or labels[-1] != ENDING or ENDING in labels[:-1]:
        return False
    return any(
        tuple(labels[: len(opening)]) == opening and _follows_an_arc(labels[len(opening) : -1]) for opening in OPENINGS
    )


def _middle(rng: Random, length: int, possible: Mapping[ScriptLabel, int]) -> list[ScriptLabel]:
    once = list(possible)
    again = [label for label, times in possible.items() for _ in range(times - 1)]
    chosen = rng.sample(once, min(length, len(once)))
    chosen += rng.sample(again, length - len(chosen))
    arc = rng.choice(ARCS)
    places = {label: [place for place, stage in enumerate(arc) if label in stage] for label in once}
    place = {label: rng.choice(options) + rng.random() / 2 for label, options in places.items()}
    return sorted(chosen, key=lambda label: place[label])


def _follows_an_arc(middle: Sequence[ScriptLabel]) -> bool:
    return any(_follows(middle, arc) for arc in ARCS)


def _follows(middle: Sequence[ScriptLabel], arc: Sequence[Labels]) -> bool:
    """Whether every label can be put into a stage that is not before the stage of the label before."""
    reached = 0
    for label in middle:
        later = [place for place in range(reached, len(arc)) if label in arc[place]]
        if not later:
            return False
        reached = later[0]
    return True
