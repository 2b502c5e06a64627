"""Which script labels every shot of a film is told by, before a word is said.

A long shot has several labels, a shot in another colour speaks of appearance, and no label is planned that the product
has no facts for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise, permutations
from random import Random

from narrator_ray.config import LengthSettings
from narrator_ray.demo.orders import ENDING, Labels, draw_order, is_plausible_order, most_labels
from narrator_ray.demo.products import ShopProduct
from narrator_ray.demo.storyboard import Storyboard
from narrator_ray.records import ScriptLabel

_NEEDED_FACT = {
    ScriptLabel.SORE_POINT: "pain",
    ScriptLabel.CALL_TO_ACTION: "price",
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
"""The fact without which a label has little to say; recommendations need none."""
_ENDS_OF_STORIES = (ScriptLabel.SORE_POINT, ENDING)
VARIANT_LABEL = ScriptLabel.APPEARANCE_DESIGN
"""What a shot does that shows the product in another colour than its film."""
_LEAST_WORDS_OF_LINES = (0, 15, 25)
"""From how many words on a narration is told in one, two or three lines."""
_ORDER_ATTEMPTS = 3000


def plan_labels(rng: Random, storyboard: Storyboard, product: ShopProduct) -> list[Labels]:
    """The labels of every shot in a plausible order; a shot in another colour speaks of appearance."""
    variants = {index for index, shot in enumerate(storyboard.shots) if shot.colour != storyboard.colour}
    possible = {
        label: len(product.facts[fact])
        for label, fact in _NEEDED_FACT.items()
        if fact in product.facts and label not in _ENDS_OF_STORIES
    }
    if variants:
        possible[VARIANT_LABEL] = possible.get(VARIANT_LABEL, 0) + len(variants)
    counts = [num_lines(window_of(end_s - start_s)) for start_s, end_s in storyboard.spans_s]
    while sum(counts) > most_labels(possible) and max(counts) > 1:
        counts[counts.index(max(counts))] -= 1
    for _ in range(_ORDER_ATTEMPTS):
        order = draw_order(rng, sum(counts), possible)
        groups = [tuple(order[a:b]) for a, b in pairwise(accumulate(counts, initial=0))]
        if all(VARIANT_LABEL in groups[index] for index in variants):
            return groups
    raise ValueError(f"no plausible order for film {storyboard.seed}, which shows shot {variants} in another colour")


def other_labels(rng: Random, groups: Sequence[Labels], index: int) -> Iterator[Labels]:
    """Other labels for a shot that keep the order plausible, those told nowhere else first."""
    size, used = len(groups[index]), set(chain.from_iterable(groups))
    choices = [labels for count in {size, max(size - 1, 1)} for labels in permutations(ScriptLabel, count)]
    for others in sorted(choices, key=lambda labels: (len(used.intersection(labels)), rng.random())):
        flat = chain.from_iterable((*groups[:index], others, *groups[index + 1 :]))
        if (ENDING in others) == (ENDING in groups[index]) and is_plausible_order(list(flat)):
            yield others


def kept_back(product: ShopProduct, labels: Labels, later: Iterable[ScriptLabel], told: Collection[str]) -> set[str]:
    """Facts that are not told now, because later labels would have nothing left to say."""
    needed = Counter(_NEEDED_FACT.get(label, "") for label in later)
    kept: set[str] = set()
    for category in needed.keys() - {_NEEDED_FACT.get(label) for label in labels}:
        untold = set(product.facts.get(category, ())) - set(told)
        if len(untold) <= needed[category]:
            kept |= untold
    return kept


def window_of(duration_s: float) -> tuple[int, int]:
    """Lowest and highest number of words that can be spoken in that time, by the default speaking rate."""
    settings = LengthSettings()
    middle = round(settings.rate_en * duration_s)
    return max(1, middle - settings.margin_en), middle + settings.margin_en


def num_lines(window: tuple[int, int]) -> int:
    """In how many lines a narration of so many words is told."""
    return sum(window[0] >= least for least in _LEAST_WORDS_OF_LINES)
