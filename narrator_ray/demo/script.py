"""The script of a film: a script label and a reference narration for every shot.

A narration names what this shot shows (product, colour, scene, motion), takes facts from this product only, looks back
to an earlier shot now and then, and can be spoken in the time the shot lasts.
"""

from __future__ import annotations

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
    ScriptLabel.PRODUCT_EFFECT: "effect",
    ScriptLabel.PRODUCT_TRIAL: "use",
    ScriptLabel.SPECIFIC_CHARACTERISTICS: "quality",
    ScriptLabel.AUTHORITATIVE_CERTIFICATE: "certificate",
    ScriptLabel.PRODUCT_SECURITY: "safety",
    ScriptLabel.PRODUCTION_PROCESS: "process",
    ScriptLabel.OTHERS: "audience",
}
_SHORT_SPOKEN = (ScriptLabel.PRODUCT_EFFECT, ScriptLabel.APPEARANCE_DESIGN, ScriptLabel.OTHERS)
_ATTEMPTS = 300
_VOWELS = "aeiou"


@dataclass(frozen=True, slots=True)
class ScriptedShot:
    """What is said over one shot.

    Attributes:
        label: What the shot does in the story.
        narration: What is spoken.
    """

    label: ScriptLabel
    narration: str


def write_script(storyboard: Storyboard, product: ShopProduct) -> tuple[ScriptedShot, ...]:
    """The script of a film; the same film and product give the same script."""
    rng = Random(f"script {storyboard.seed}")
    labels = _labels(rng, storyboard, product)
    return tuple(_scripted(rng, storyboard, product, label, index) for index, label in enumerate(labels))


def window_of(duration_s: float) -> tuple[int, int]:
    """Lowest and highest number of words that can be spoken in that time, by the default speaking rate."""
    settings = LengthSettings()
    middle = round(settings.rate_en * duration_s)
    return max(1, middle - settings.margin_en), middle + settings.margin_en


def _labels(rng: Random, storyboard: Storyboard, product: ShopProduct) -> list[ScriptLabel]:
    """Opening, a middle without repetition as long as there are facts for it, call to action."""
    possible = [label for label, fact in _NEEDED_FACT.items() if fact in product.facts]
    num_middle = len(storyboard.shots) - 2
    middle = rng.sample(possible, min(num_middle, len(possible)))
    middle += rng.choices(possible, k=num_middle - len(middle))
    labels = [rng.choice(OPENINGS), *middle, ENDING]
    for index, shot in enumerate(storyboard.shots):
        if shot.colour != storyboard.colour:
            labels[index] = ScriptLabel.APPEARANCE_DESIGN
    return labels


def _scripted(
    rng: Random, storyboard: Storyboard, product: ShopProduct, label: ScriptLabel, index: int
) -> ScriptedShot:
    """The shot with its label, or with a label that has something to say in so short a time."""
    for possible in (label, *_SHORT_SPOKEN):
        narration = _narration(rng, storyboard, product, possible, index)
        if narration is not None:
            return ScriptedShot(possible, narration)
    raise ValueError(f"no line of the phrasebook fits shot {index} of film {storyboard.seed}: add a shorter one")


def _narration(rng: Random, storyboard: Storyboard, product: ShopProduct, label: ScriptLabel, index: int) -> str | None:
    book, shot = phrasebook(), storyboard.shots[index]
    lines = book.colour_variant if shot.colour != storyboard.colour else book.labels[str(label)]
    low, high = window_of(shot.num_frames / FPS)
    for _ in range(_ATTEMPTS):
        text = phrase(rng.choice(lines), book.rules, _slots(rng, storyboard, product, index), rng)
        if text is not None and low <= len(text.split()) <= high:
            return text
    return None


def _slots(rng: Random, storyboard: Storyboard, product: ShopProduct, index: int) -> dict[str, Phrases]:
    """Everything a line may name for this shot; a draw of facts, so that no fact stands twice in one line."""
    words, shot, kind = vocabulary(), storyboard.shots[index], product.kind
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
        "earlier": _earlier_scenes(storyboard.shots[:index], shot.colour),
    }
    slots |= {word: (forms[int(kind.is_plural)],) for word, forms in words.agreement.items()}
    for category, facts in product.facts.items():
        first, *others = rng.sample(facts, len(facts))
        slots[category] = (first,)
        slots[f"{category}2"] = tuple(others)
    return slots


def _earlier_scenes(shots: Sequence[Shot], colour: str) -> Phrases:
    return tuple(vocabulary().scene[shot.scene][0] for shot in shots if shot.colour == colour)


def _article(word: str) -> str:
    return "an" if word[0].lower() in _VOWELS else "a"
