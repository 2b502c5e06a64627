"""Scripts for goods that the storefront does not sell: a fact a line, nothing of what is seen, nothing told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, islice, pairwise
from random import Random
from typing import Any

from narrator_ray.demo.orders import ENDING, Labels, draw_order
from narrator_ray.demo.other_goods import OtherFact, OtherProduct, make_other_product
from narrator_ray.demo.phrasing import needed_slots, phrase
from narrator_ray.demo.plan import num_lines, window_of
from narrator_ray.demo.splits import Split
from narrator_ray.demo.tables import Phrases, read_table, vocabulary
from narrator_ray.records import Clip, ScriptLabel, Video

_OPENING = ScriptLabel.PRODUCT_RECOMMENDATION
_NOTHING = "none"
_SCRIPTS = 20
"""How many products and scripts are tried."""
_DRAWS = 120
"""How often lines for a clip are drawn."""
_CHOICE = 8
"""Out of so many that fit, those that tell most are taken."""
_FEWEST_FACTS, _MORE_FACTS = 3, (-2, 5)
"""A product has at least so many facts, and so many more or fewer than its film has lines."""
_PLAIN_ENDING_SHARE = 0.35
"""How often a last line tells nothing but the price, where it may."""


@dataclass(frozen=True, slots=True)
class OtherLine:
    """What is said in one sentence or two.

    Attributes:
        source: The line as it stands in the phrasebook.
        text: What is spoken.
        facts: What it tells.
    """

    source: str
    text: str
    facts: tuple[OtherFact, ...]


@dataclass(frozen=True, slots=True)
class OtherScript:
    """A film of such a product, told.

    Attributes:
        product: What is sold.
        clips: When the shots are seen.
        labels: Of every clip.
        lines: Of every clip.
    """

    product: OtherProduct
    clips: tuple[Clip, ...]
    labels: tuple[Labels, ...]
    lines: tuple[tuple[OtherLine, ...], ...]

    def to_video(self, video_id: str, uri: str) -> Video:
        """As a row of a catalogue, with storyline and references."""
        return Video(
            video_id=video_id,
            uri=uri,
            product=self.product.to_product(),
            language="en",
            clips=self.clips,
            storyline=self.labels,
            narrations=tuple(" ".join(line.text for line in lines) for lines in self.lines),
        )


def tell_other(seed: int, clips: tuple[Clip, ...], split: Split) -> OtherScript:
    """The script of a seed for clips of these lengths.

    Raises:
        ValueError: The phrasebook has nothing to say in so short a time.
    """
    for attempt in range(_SCRIPTS):
        script = _script(Random(f"other script {split} {seed} {attempt}"), clips, split)
        if script is not None:
            return script
    raise ValueError(f"no lines of the phrasebook of other goods fit film {seed}: add shorter ones")


def other_phrases() -> tuple[str, ...]:
    """Every line of the phrasebook of other goods, in its notation."""
    return tuple(line for part in _book().values() for lines in part.values() for line in lines)


def _script(rng: Random, clips: tuple[Clip, ...], split: Split) -> OtherScript | None:
    """A script; None where lines of a clip are too long or too short."""
    windows = [window_of(clip.end_s - clip.start_s) for clip in clips]
    counts = [num_lines(window) for window in windows]
    product = make_other_product(
        rng.getrandbits(32), split, max(_FEWEST_FACTS, sum(counts) + rng.randint(*_MORE_FACTS))
    )
    labels = _labels(rng, counts, product.facts)
    lines: list[tuple[OtherLine, ...]] = []
    untold = list(product.facts)
    sources: set[str] = set()
    for its_labels, window in zip(labels, windows, strict=True):
        chosen = _told(rng, product, its_labels, window, untold, sources)
        if not chosen:
            return None
        lines.append(chosen)
        sources |= {line.source for line in chosen}
        told = {fact for line in chosen for fact in line.facts}
        untold = [fact for fact in untold if fact not in told]
    return OtherScript(product, clips, labels, tuple(lines))


def _labels(rng: Random, counts: Sequence[int], facts: Sequence[OtherFact]) -> tuple[Labels, ...]:
    """A plausible order without a sore point, of which the data says nothing; where facts run out, characteristics."""
    num_between = max(0, sum(counts) - 2)
    between = [fact for fact in facts if fact.label != ENDING]
    possible = Counter(fact.label for fact in rng.sample(between, min(num_between, len(between))))
    possible[ScriptLabel.SPECIFIC_CHARACTERISTICS] += num_between - possible.total()
    while True:
        order = draw_order(rng, sum(counts), possible)
        if ScriptLabel.SORE_POINT not in order:
            return tuple(tuple(order[a:b]) for a, b in pairwise(accumulate(counts, initial=0)))


def _told(
    rng: Random,
    product: OtherProduct,
    labels: Labels,
    window: tuple[int, int],
    untold: Sequence[OtherFact],
    sources: set[str],
) -> tuple[OtherLine, ...]:
    """Lines that fit the window and tell most; none where none were found."""
    drawn = (tuple(_lines(rng, product, labels, untold, sources)) for _ in range(_DRAWS))
    fits = islice((lines for lines in drawn if _does_fit(lines, window)), _CHOICE)
    return max(fits, key=lambda lines: sum(len(line.facts) for line in lines), default=())


def _does_fit(lines: Sequence[OtherLine], window: tuple[int, int]) -> bool:
    return window[0] <= sum(len(line.text.split()) for line in lines) <= window[1]


def _lines(
    rng: Random, product: OtherProduct, labels: Labels, untold: Sequence[OtherFact], sources: set[str]
) -> Iterator[OtherLine]:
    """A line for every label, each with another fact: one of the label's, else any."""
    left = list(untold)
    for label in labels:
        book = _lines_of(label, product.price is not None)
        possible = [fact for fact in left if _speech(fact) in book]
        own = [fact for fact in possible if fact.label == label]
        if label == _OPENING:
            own = possible
        elif label == ENDING:
            own = own or ([] if product.price and rng.random() < _PLAIN_ENDING_SHARE else possible)
        elif not own:
            own = [fact for fact in possible if fact.label != ENDING]
        fact = rng.choice(own) if own else None
        others = [
            other
            for other in left
            if fact and other.speech == fact.speech and other is not fact and other.label == label
        ]
        line = _line(rng, product, label, fact, others, sources)
        left = [other for other in left if other not in line.facts]
        yield line


def _line(
    rng: Random,
    product: OtherProduct,
    label: ScriptLabel,
    fact: OtherFact | None,
    others: Sequence[OtherFact],
    sources: set[str],
) -> OtherLine:
    book = _book()
    more = rng.choice(others) if others else None
    slots = _slots(product, fact, more)
    lines = _lines_of(label, product.price is not None)[_speech(fact) if fact else _NOTHING]
    possible = [line for line in lines if all(map(slots.get, needed_slots(line)))]
    source = rng.choice([line for line in possible if line not in sources] or possible)
    while (said := phrase(source, book["rules"], slots, rng)) is None:
        continue
    names = [slot for slot, _ in said.filled]
    facts = [one for slot, one in (("fact", fact), ("more", more)) if one and slot in names]
    return OtherLine(source, said.text, tuple(facts))


def _slots(product: OtherProduct, fact: OtherFact | None, more: OtherFact | None) -> dict[str, Phrases]:
    slots: dict[str, Phrases] = {
        "name": (product.name,),
        "noun": product.nouns,
        "a_noun": ("a(n) {noun}" if product.is_counted and not product.is_plural else "{noun}",),
        "price": (product.price,) if product.price else (),
        "fact": (fact.spoken,) if fact else (),
        "more": (more.spoken,) if more else (),
        "property": (fact.category,) if fact else (),
        "equals": ("are" if fact and _is_plural(fact.category) else "is",),
    }
    return slots | {word: (forms[int(product.is_plural)],) for word, forms in vocabulary().agreement.items()}


def _is_plural(name: str) -> bool:
    return name.endswith("s") and not name.endswith("ss")


def _speech(fact: OtherFact) -> str:
    return "noun" if fact.speech == "one" else fact.speech


def _lines_of(label: ScriptLabel, has_price: bool) -> Mapping[str, Phrases]:
    name = "opening" if label == _OPENING else "middle" if label != ENDING else "ending" if has_price else "free_ending"
    lines: dict[str, Phrases] = _book()[name]
    return lines


@cache
def _book() -> dict[str, Any]:
    return read_table("other_phrases")
