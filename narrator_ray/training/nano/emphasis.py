"""Which words of an answer tell something: script labels, what is seen, the product's name and its facts.

The phrasebook has many ways to say a thing and one thing that is true. In the mean over all tokens the choice of a
phrasing, which nothing decides, drowns what pictures and product decide. Here most tokens of the other words are taken
out of the loss, by lot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from narrator_ray.demo.films import Film
from narrator_ray.demo.lexicon import at_words, own_nouns
from narrator_ray.demo.tables import vocabulary
from narrator_ray.training.examples import IGNORED, IdArray, Sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def telling_pattern(film: Film) -> re.Pattern[str]:
    """Matches, in lower case, all that a film's script says of what is seen, what the product is called, its facts."""
    words = vocabulary()
    sights = [*words.colour.values(), *words.scene.values(), *words.doing.values()]
    phrases = {phrase for some in sights for phrase in some}
    phrases |= {
        phrase.replace("{them}", them) for some in words.watch.values() for phrase in some for them in ("it", "them")
    }
    facts = {fact.lower() for shot in film.script for fact in shot.facts}
    return at_words({*phrases, *facts, *own_nouns(film.product.kind.name), film.product.name.lower()})


def emphasised(
    sample: Sample, pattern: re.Pattern[str], tokenizer: PreTrainedTokenizerBase, plain_share: float, seed: int
) -> Sample:
    """A sample in whose loss the words that tell something count, and of the other tokens so many, by lot.

    Args:
        sample: Of a film.
        pattern: Matches, in lower case, words of its narrations that tell something.
        tokenizer: The sample's.
        plain_share: Share of the other tokens that count.
        seed: Of the lot.
    """
    labels = sample.labels.copy()
    is_kept = np.random.default_rng(seed).random(len(labels)) < plain_share
    for run in _supervised_runs(labels):
        is_kept[run] |= _is_telling(labels[run], tokenizer, pattern)
    labels[~is_kept] = IGNORED
    return replace(sample, labels=labels)


def _supervised_runs(labels: IdArray) -> Iterator[slice]:
    """Tokens one after the other that count in the loss."""
    edges = np.flatnonzero(np.diff(np.r_[False, labels != IGNORED, False]))
    for begin, end in edges.reshape(-1, 2):
        yield slice(begin, end)


def _is_telling(ids: IdArray, tokenizer: PreTrainedTokenizerBase, pattern: re.Pattern[str]) -> npt.NDArray[np.bool_]:
    """For every token whether it is one of the script labels, or a part of it belongs to a match."""
    pieces = [str(tokenizer.decode([token])) for token in ids]
    ends = np.cumsum([len(piece) for piece in pieces])
    begins = np.r_[0, ends[:-1]]
    text = "".join(pieces).lower()
    is_telling: npt.NDArray[np.bool_] = begins <= text.find("\n")  # script labels, and that no more follow
    for match in pattern.finditer(text):
        is_telling |= (begins < match.end()) & (ends > match.start())
    return is_telling
