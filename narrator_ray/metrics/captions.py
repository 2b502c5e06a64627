"""A text as the tokens that BLEU, CIDEr-D and METEOR compare.

Released: token ids of the language model's own tokenizer, so that only models with the same tokenizer can be compared;
texts under four characters are left out. Standard: characters (zh) or words (en), the same whatever the model; every
text counts.

Source: released code, tokenize_output.py and evaluate_ads.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from narrator_ray.metrics.words import EnglishTagger
from narrator_ray.records import Language

Tokens = tuple[str, ...]

SHORTEST_RELEASED: Final = 4
"""Characters; a shorter candidate or reference takes its clip out of the released scores."""
_FULL_STOP = "。"
_CHINESE_TOKEN = re.compile(r"[㐀-䶿一-鿿]|[^\W_㐀-䶿一-鿿]+(?:[.'’-][^\W_㐀-䶿一-鿿]+)*")


def released_tokens(text: str, encode: Callable[[str], Sequence[int]]) -> Tokens | None:
    """Token ids as text, or None where the released code leaves the text out.

    Args:
        text: Candidate or reference.
        encode: The language model's tokenizer, without special tokens.
    """
    if len(text) < SHORTEST_RELEASED:
        return None
    ended = text if text.endswith(_FULL_STOP) else text + _FULL_STOP
    return tuple(map(str, encode(ended.replace(_FULL_STOP * 2, _FULL_STOP))))


def standard_tokens(text: str, language: Language) -> Tokens:
    """Characters, and Latin words and numbers as a whole (zh), or words (en); lower case, without punctuation."""
    if language == "en":
        return tuple(word.text for word in EnglishTagger().tag(text))
    return tuple(_CHINESE_TOKEN.findall(text.lower()))
