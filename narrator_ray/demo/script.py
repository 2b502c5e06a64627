"""The script of a film: a script label and a reference narration for every shot.

A narration names what this shot shows (product, colour, scene, motion), takes facts from this product only, looks back
to an earlier shot now and then, and can be spoken in the time the shot lasts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from narrator_ray.config import LengthSettings
from narrator_ray.demo.phrasing import phrase
from narrator_ray.demo.products import ShopProduct
from narrator_ray.demo.storyboard import FPS, Shot, Storyboard
from narrator_ray.demo.tables import Phrases, phrasebook, vocabulary
from narrator_ray.records import ScriptLabel

OPENINGS = (ScriptLabel.PRODUCT_RECOMMENDATION, ScriptLabel.SORE_POINT)
ENDING = ScriptLabel.CALL_TO_ACTION
_NEEDED_FACT = {
    ScriptLabel.APPEARANCE_DESIGN: "look",
    ScriptLabel.INGREDIENT_MATERIAL_TEXTURE: "material",
    ScriptLabel.PRODUCTION_PROCESS: "process",
    ScriptLabel.SPECIFIC_CHARACTERISTICS: "quality",
    ScriptLabel.PRODUCT_EFFECT: "effect",
    ScriptLabel.PRODUCT_TRIAL: "use",
    ScriptLabel.AUTHORITATIVE_CERTIFICATE: "certificate",
    ScriptLabel.PRODUCT_SECURITY: "safety",
    ScriptLabel.OTHERS: "audience",
}
"""The fact a label of the middle of a story needs, in the order a story usually tells them."""
_ORDER_JITTER = 2.5
_SHORT_SPOKEN = (ScriptLabel.PRODUCT_EFFECT, ScriptLabel.APPEARANCE_DESIGN, ScriptLabel.OTHERS)
_ATTEMPTS = 300
_CHOOSY_ATTEMPTS = 80
_WANTED_SHARE = {"colour": 0.75, "scene": 0.55, "motion": 0.5}
"""How often a line is looked for that names a visible attribute."""
_VOWELS = "aeiou"


@dataclass(frozen=True, slots=True)
class ScriptedShot:
    """What is said over one shot.

    Attributes:
        label: What the shot does in the story.
        narration: What is spoken.
        mentions: The visible attributes it names: "product", "colour", "scene", "motion".
    """

    label: ScriptLabel
    narration: str
    mentions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in a film a line is spoken: the shot's index, and in lower case everything said before it."""

    storyboard: Storyboard
    product: ShopProduct
    index: int
    said: str

    @property
    def shot(self) -> Shot:
        """What is seen."""
        return self.storyboard.shots[self.index]


def write_script(storyboard: Storyboard, product: ShopProduct) -> tuple[ScriptedShot, ...]:
    """The script of a film; the same film and product give the same script."""
    rng = Random(f"script {storyboard.seed}")
    script: list[ScriptedShot] = []
    for label in _labels(rng, storyboard, product):
        said = " ".join(scripted.narration for scripted in script).lower()
        script.append(_scripted(rng, Moment(storyboard, product, len(script), said), label))
    return tuple(script)


def window_of(duration_s: float) -> tuple[int, int]:
    """Lowest and highest number of words that can be spoken in that time, by the default speaking rate."""
    settings = LengthSettings()
    middle = round(settings.rate_en * duration_s)
    return max(1, middle - settings.margin_en), middle + settings.margin_en


def _labels(rng: Random, storyboard: Storyboard, product: ShopProduct) -> list[ScriptLabel]:
    """Opening, a middle in a plausible order and without repetition as long as there are facts, call to action."""
    possible = [label for label, fact in _NEEDED_FACT.items() if fact in product.facts]
    num_middle = len(storyboard.shots) - 2
    middle = rng.sample(possible, min(num_middle, len(possible)))
    middle += rng.choices(possible, k=num_middle - len(middle))
    places = {label: place for place, label in enumerate(_NEEDED_FACT)}
    middle.sort(key=lambda label: places[label] + rng.uniform(0, _ORDER_JITTER))
    labels = [rng.choice(OPENINGS), *middle, ENDING]
    for index, shot in enumerate(storyboard.shots):
        if shot.colour != storyboard.colour:
            labels[index] = ScriptLabel.APPEARANCE_DESIGN
    return labels


def _scripted(rng: Random, moment: Moment, label: ScriptLabel) -> ScriptedShot:
    """The shot with its label, or with a label that has something to say in so short a time."""
    for possible in (label, *_SHORT_SPOKEN):
        scripted = _narrated(rng, moment, possible)
        if scripted is not None:
            return scripted
    seed = moment.storyboard.seed
    raise ValueError(f"no line of the phrasebook fits shot {moment.index} of film {seed}: add a shorter one")


def _narrated(rng: Random, moment: Moment, label: ScriptLabel) -> ScriptedShot | None:
    """A line in the window that names what this time is wanted, or else as much of it as any line found does."""
    book, shot = phrasebook(), moment.shot
    lines = book.colour_variant if shot.colour != moment.storyboard.colour else book.labels[str(label)]
    low, high = window_of(shot.num_frames / FPS)
    wanted = {name for name, share in _WANTED_SHARE.items() if rng.random() < share}
    best: ScriptedShot | None = None
    for attempt in range(_ATTEMPTS):
        slots = _slots(rng, moment)
        text = phrase(rng.choice(lines), book.rules, slots, rng)
        if text is None or not low <= len(text.split()) <= high or text.lower() in moment.said:
            continue
        found = ScriptedShot(label, text, _mentions(text, slots))
        if found.mentions and (best is None or _hits(found, wanted) > _hits(best, wanted)):
            best = found
        if best and (wanted <= set(best.mentions) or attempt >= _CHOOSY_ATTEMPTS):
            break
    return best


def _hits(scripted: ScriptedShot, wanted: set[str]) -> int:
    return len(wanted.intersection(scripted.mentions))


def _mentions(text: str, slots: dict[str, Phrases]) -> tuple[str, ...]:
    """Which visible attributes of the shot a text names, by the phrases its slots could be filled with."""
    name = slots["name"][0]
    spoken = text.lower().replace(name.lower(), slots["noun"][0])
    them = slots["them"][0]
    phrases = {
        "product": slots["noun"],
        "colour": slots["colour"],
        "scene": slots["scene"],
        "motion": tuple(words.replace("{them}", them) for words in slots["watch"] + slots["doing"]),
    }
    return tuple(
        attribute
        for attribute, options in phrases.items()
        if any(re.search(rf"\b{re.escape(option)}\b", spoken) for option in options)
    )


def _slots(rng: Random, moment: Moment) -> dict[str, Phrases]:
    """Everything a line may name for this shot; facts not told yet first, and none twice in one line."""
    words, shot, product = vocabulary(), moment.shot, moment.product
    kind = product.kind
    colour, noun = rng.choice(words.colour[shot.colour]), rng.choice(kind.nouns)
    slots: dict[str, Phrases] = {
        "colour": (colour,),
        "noun": (noun,),
        "name": (product.name,),
        "each": (kind.each,),
        "a_colour": (f"{colour} {noun}" if kind.is_plural else f"{_article(colour)} {colour} {noun}",),
        "a_noun": (noun if kind.is_plural else f"{_article(noun)} {noun}",),
        "scene": words.scene[shot.scene],
        "watch": words.watch[shot.motion],
        "doing": words.doing[shot.motion],
        "earlier": _earlier_scenes(moment.storyboard.shots[: moment.index], shot.colour),
    }
    slots |= {word: (forms[int(kind.is_plural)],) for word, forms in words.agreement.items()}
    for category, facts in product.facts.items():
        shuffled = rng.sample(facts, len(facts))
        first, *others = sorted(shuffled, key=lambda fact: fact.lower() in moment.said)
        slots[category] = (first,)
        slots[f"{category}2"] = tuple(others)
    return slots


def _earlier_scenes(shots: Sequence[Shot], colour: str) -> Phrases:
    return tuple(vocabulary().scene[shot.scene][0] for shot in shots if shot.colour == colour)


def _article(word: str) -> str:
    return "an" if word[0].lower() in _VOWELS else "a"
