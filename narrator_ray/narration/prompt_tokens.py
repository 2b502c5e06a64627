"""The prompt in tokens: white space beside video tokens, and a product description that fits the room there is.

Knows no model: a tokenizer, or a function that counts, is handed in.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from narrator_ray.narration.prompt import END, PATCH, START
from narrator_ray.records import KnowledgePoint, Product

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_VIDEO_TOKENS = [PATCH, START, END]
_SPLIT_AT_VIDEO_TOKENS = re.compile(f"({'|'.join(map(re.escape, _VIDEO_TOKENS))})")


def tokenize_prompt(tokenizer: PreTrainedTokenizerBase, text: str, is_start: bool = True) -> list[int]:
    """Token ids of a prompt or of a piece of one.

    White space on either side of a video token is dropped: the tokenizers of the released checkpoints did so, and newer
    ones would feed them line breaks they never saw in training. Pieces make the ids that the whole document makes.

    Args:
        tokenizer: Knows the three video tokens.
        text: A prompt; or one of its pieces, cut at line breaks.
        is_start: Whether a document begins here: the tokenizer's start token is put first, if it uses one.

    Source: released code, behaviour of its tokenizers with added tokens (transformers 4.31).
    """
    ids = _document_start(tokenizer) if is_start else []
    video_ids = cast("list[int]", tokenizer.convert_tokens_to_ids(_VIDEO_TOKENS))
    parts = _SPLIT_AT_VIDEO_TOKENS.split(text)
    for index, part in enumerate(parts):
        if index % 2:
            ids.append(video_ids[_VIDEO_TOKENS.index(part)])
            continue
        plain = part.lstrip() if index else part
        plain = plain.rstrip() if index + 1 < len(parts) else plain
        if plain:
            ids += _encode(tokenizer, plain, is_line_start=bool(index) or is_start)
    return ids


def _encode(tokenizer: PreTrainedTokenizerBase, text: str, is_line_start: bool) -> list[int]:
    """Token ids of a text; inside a document without the space that some tokenizers put before every text."""

    def encode(plain: str) -> list[int]:
        return cast("list[int]", tokenizer.encode(plain, add_special_tokens=False))

    line_break = [] if is_line_start else encode("\n")
    return encode(text) if len(line_break) < 2 else encode(f"\n{text}")[len(line_break) :]


def fit_product(product: Product, budget_tokens: int, count_tokens: Callable[[Product], int]) -> tuple[Product, int]:
    """Shorten a product's description by whole knowledge points until it fits.

    The last point of the category with the most text goes first, again and again; what stays keeps its order. The name
    is never touched, so a product may be over its budget even without knowledge: the caller decides what then.

    Args:
        product: The product.
        budget_tokens: Most tokens.
        count_tokens: Tokens of whatever is written for a product, such as the prompt's head. Fewer points may not
            make more tokens.

    Returns:
        The product that fits, and how many points were dropped.
    """
    if count_tokens(product) <= budget_tokens:
        return product, 0
    order = _dropping_order(product.knowledge)

    def without(num_dropped: int) -> Product:
        dropped = set(order[:num_dropped])
        return Product(product.name, tuple(item for i, item in enumerate(product.knowledge) if i not in dropped))

    num_dropped = bisect_left(range(len(order)), True, key=lambda count: count_tokens(without(count)) <= budget_tokens)
    return without(num_dropped), num_dropped


def _dropping_order(knowledge: tuple[KnowledgePoint, ...]) -> list[int]:
    """Indices of all points, the first to go first."""
    by_category: dict[str, list[int]] = {}
    for index, item in enumerate(knowledge):
        by_category.setdefault(item.category, []).append(index)
    order = []
    while by_category:
        longest = max(by_category, key=lambda name: sum(len(knowledge[index].point) for index in by_category[name]))
        order.append(by_category[longest].pop())
        if not by_category[longest]:
            del by_category[longest]
    return order


def _document_start(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The start token, for tokenizers that put one before every text."""
    start = tokenizer.bos_token_id
    return [int(start)] if isinstance(start, int) and tokenizer.encode("")[:1] == [start] else []
