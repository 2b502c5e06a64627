"""Which pictures, names and facts are for training, which for validation and which for testing. Draws and says nothing.

Three things are held out, each by a hash of its own words, so that an answer never changes when the storefront grows:

- pairs of form and colour: of every form's eight colours one for validation and one for testing; films of a held-out
  split show its own pairs in every other film and pairs of training in the rest, so that both can be measured;
- product names: every brand and every product line belongs to one split, so no word of a tested name was trained on;
- sets of facts: every combination of facts belongs to one split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, get_args

from narrator_ray.demo.tables import vocabulary

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

_TENTHS: tuple[Split, ...] = (*("train",) * 8, "validation", "test")


def colour_names() -> tuple[str, ...]:
    """Every product colour."""
    return tuple(vocabulary().colour)


def split_of_pair(form: str, colour: str) -> Split:
    """Which split a pair of drawn form and colour belongs to."""
    names = colour_names()
    lot = _hash(f"form {form}")
    validated = lot % len(names)
    tested = (validated + 1 + lot // len(names) % (len(names) - 1)) % len(names)
    held_out: dict[str, Split] = {names[validated]: "validation", names[tested]: "test"}
    return held_out.get(colour, "train")


def colours_of(form: str, split: Split | None = None) -> tuple[str, ...]:
    """The colours a form has in a split (None: in all)."""
    return tuple(colour for colour in colour_names() if split is None or split_of_pair(form, colour) == split)


def split_of_name(word: str) -> Split:
    """Which split a brand or a product line belongs to."""
    return _TENTHS[_hash(f"name {word}") % len(_TENTHS)]


def split_of_facts(facts: Iterable[str]) -> Split:
    """Which split a set of facts belongs to, in whatever order."""
    return _TENTHS[_hash("facts " + "|".join(sorted(facts))) % len(_TENTHS)]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
