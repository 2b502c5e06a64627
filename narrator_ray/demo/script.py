"""The script of a film: script labels and a reference narration for every shot.

A narration names what this shot shows (product, colour, scene, motion), takes facts from this product only, looks back
to an earlier shot now and then, and can be spoken in the time the shot lasts. A long shot is told in several lines,
each with a script label of its own. No fact, no line and no run of four words is told twice in a film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random

from narrator_ray.demo.lines import ATTRIBUTES, LOOKING_BACK, Line, Told, names_of, say, stammer
from narrator_ray.demo.orders import Labels
from narrator_ray.demo.phrasing import needed_slots
from narrator_ray.demo.plan import VARIANT_LABEL, kept_back, other_labels, plan_labels, window_of
from narrator_ray.demo.products import ShopProduct
from narrator_ray.demo.slots import Moment, Slots, make_slots
from narrator_ray.demo.storyboard import Storyboard
from narrator_ray.demo.tables import Phrases, phrasebook, vocabulary
from narrator_ray.records import ScriptLabel

_SCRIPTS = 20
"""How many orders of labels are tried."""
_PHRASINGS = 60
"""How many phrasings are tried for a narration."""
_DRAWS_PER_PHRASING = 8
_CHOICE = 8
"""Out of so many phrasings that fit, the one that names most of what is wanted is taken."""
_FACT_WEIGHT = 0.3
"""What a fact that is told counts beside a wanted attribute."""
_WANTED_SHARE = {"colour": 0.75, "scene": 0.7, "motion": 0.75, LOOKING_BACK: 0.35}
"""How often a line is looked for that names a visible attribute, or looks back where it can."""


@dataclass(frozen=True, slots=True)
class ScriptedShot:
    """What is said over one shot.

    Attributes:
        labels: What the shot does in the story, one or more.
        narration: What is spoken.
        mentions: The visible attributes it names: "product", "colour", "scene", "motion".
        facts: The product's facts it tells.
        looks_back_to: The scene of an earlier shot that it reminds of, or None.
    """

    labels: Labels
    narration: str
    mentions: tuple[str, ...]
    facts: tuple[str, ...]
    looks_back_to: str | None


def write_script(storyboard: Storyboard, product: ShopProduct) -> tuple[ScriptedShot, ...]:
    """The script of a film; the same film and product give the same script.

    Raises:
        ValueError: The phrasebook has nothing to say in so short a time.
    """
    rng = Random(f"script {storyboard.seed}")
    for _ in range(_SCRIPTS):
        script = _written(rng, storyboard, product)
        if len(script) == len(storyboard.shots):
            return tuple(script)
    raise ValueError(f"no lines of the phrasebook fit shot {len(script)} of film {storyboard.seed}: add shorter ones")


def _written(rng: Random, storyboard: Storyboard, product: ShopProduct) -> list[ScriptedShot]:
    """A script as far as it could be written: it ends before a shot for which nothing is left to say."""
    groups = plan_labels(rng, storyboard, product)
    told = Told()
    script: list[ScriptedShot] = []
    for index in range(len(groups)):
        moment, later = Moment(storyboard, product, index), list(chain.from_iterable(groups[index + 1 :]))
        for labels in chain([groups[index]], other_labels(rng, groups, index)):
            withheld = told.facts | kept_back(product, labels, later, told.facts)
            lines = _narrated(rng, moment, labels, told, make_slots(moment, withheld))
            if lines:
                break
        else:
            return script
        groups[index] = labels
        for line in lines:
            told.add(line)
        script.append(_scripted(labels, lines))
    return script


def _narrated(rng: Random, moment: Moment, labels: Labels, told: Told, slots: Slots) -> list[Line]:
    """A line for every label, together in the window, that name much of what this time is wanted; or nothing.

    Phrasings are drawn before it is seen what they can name, so that none is told much more often than others.
    """
    window = window_of(moment.duration_s)
    wanted = _wanted(rng, moment)
    rules = phrasebook(moment.product.kind.shown).rules
    choices = [_sources(moment, label, slots, told) for label in labels]
    fits: list[list[Line]] = []
    for _ in range(_PHRASINGS if all(choices) else 0):
        sources = [rng.choice(possible) for possible in choices]
        drawn = (_drawn(rng, sources, rules, slots, window) for _ in range(_DRAWS_PER_PHRASING))
        found = [lines for lines in drawn if lines and all(map(told.is_news, lines))]
        if found:
            fits.append(max(found, key=lambda lines: _worth(lines, wanted)))
        if len(fits) == _CHOICE:
            break
    return max(fits, key=lambda lines: _worth(lines, wanted), default=[])


def _wanted(rng: Random, moment: Moment) -> set[str]:
    wanted = {name for name, share in _WANTED_SHARE.items() if rng.random() < share}
    return wanted if moment.earlier_scenes else wanted - {LOOKING_BACK}


def _sources(moment: Moment, label: ScriptLabel, slots: Slots, told: Told) -> list[str]:
    """The lines of the phrasebook that a label may be told in now."""
    book = phrasebook(moment.product.kind.shown)
    lines = book.colour_variant if moment.is_variant and label == VARIANT_LABEL else book.labels[label]
    return [line for line in lines if line not in told.sources and all(map(slots.get, needed_slots(line)))]


def _drawn(
    rng: Random, sources: Sequence[str], rules: dict[str, Phrases], slots: Slots, window: tuple[int, int]
) -> list[Line]:
    """The lines as said; nothing where they are too short or long, say something twice or nothing that is seen."""
    lines = [line for source in sources if (line := say(rng, source, rules, slots))]
    low, high = window
    if len(lines) < len(sources) or not low <= sum(len(line.text.split()) for line in lines) <= high:
        return []
    return lines if not stammer(lines) and any(names_of(lines)[name] for name in ATTRIBUTES) else []


def _worth(lines: Sequence[Line], wanted: set[str]) -> float:
    hits = wanted.intersection(names_of(lines))
    return len(hits) + (LOOKING_BACK in hits) + _FACT_WEIGHT * sum(len(line.facts) for line in lines)


def _scripted(labels: Labels, lines: Sequence[Line]) -> ScriptedShot:
    names = names_of(lines)
    earlier = [words for line in lines for slot, words in line.filled if slot == "earlier"]
    places = {phrases[0]: scene for scene, phrases in vocabulary().scene.items()}
    return ScriptedShot(
        labels=labels,
        narration=" ".join(line.text for line in lines),
        mentions=tuple(name for name in ATTRIBUTES if names[name]),
        facts=tuple(fact for line in lines for fact in line.facts),
        looks_back_to=places[earlier[0]] if earlier else None,
    )
