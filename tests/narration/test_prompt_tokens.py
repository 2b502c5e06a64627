"""Prompts in tokens: no white space beside video tokens, and products that fit."""

import json
import re
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrator_ray.narration.prompt import CLOSING, END, PATCH, START, prompt_form
from narrator_ray.narration.prompt_tokens import fit_product, tokenize_prompt
from narrator_ray.records import KnowledgePoint, Product
from tests.narration.test_prompt_as_released import PROMPTS, read

GOLDEN = PROMPTS.parent
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="recorded token ids of the released code are not here")
ADDED = ("[PAD]", PATCH, START, END)


def released_tokenizer(directory: str):
    """A sentencepiece tokenizer as the released checkpoints have it, with the four added tokens behind its own."""
    pytest.importorskip("sentencepiece")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(GOLDEN / directory)
    tokenizer.add_special_tokens({"pad_token": ADDED[0]})
    tokenizer.add_tokens(list(ADDED[1:]), special_tokens=True)
    return tokenizer


class LetterTokenizer:
    """One token a character, no start token."""

    bos_token_id = None

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Code points."""
        return [ord(letter) for letter in text]

    def convert_tokens_to_ids(self, tokens: list[str]) -> list[int]:
        """Negative numbers."""
        return [-ADDED.index(token) for token in tokens]


def unfolded(prompt: str) -> str:
    """A recorded prompt with its runs of placeholders written out."""
    return re.sub(r"\[\[(\d+)\]\]", lambda match: PATCH * int(match[1]), prompt)


@needs_golden
def test_recorded_token_ids_are_reproduced():
    """Ten prompts with the Chinese tokenizer."""
    calls = read("ch_generated.json.gz")["calls"]
    ids = np.load(PROMPTS / "ch_generated_input_ids.npz")
    listed = json.loads((PROMPTS / "ch_generated_input_ids.json").read_text())
    tokenizer = released_tokenizer("tokenizer_ch")
    assert len(listed) == len(ids.files) == 10
    for name, entry in zip(ids.files, listed, strict=True):
        assert tokenize_prompt(tokenizer, unfolded(calls[entry["call"]]["prompt"])) == ids[name].tolist()


@needs_golden
@pytest.mark.parametrize(
    ("recorded", "directory"), [("ch.json.gz", "tokenizer_ch"), ("en_narrative.json", "tokenizer_en")]
)
def test_recorded_training_texts_are_tokenized_alike(recorded, directory):
    """Whole documents in Chinese and in English."""
    samples = read(f"../train_samples/{recorded}")
    ids = np.load(GOLDEN / "train_samples" / f"{recorded.split('.')[0]}.npz")
    tokenizer = released_tokenizer(directory)
    for index, sample in enumerate(samples):
        expected = ids[f"s{index:02d}.input_ids"].tolist()
        assert tokenize_prompt(tokenizer, unfolded(sample["text"])) == expected, index


def test_white_space_beside_video_tokens_is_dropped():
    """On both sides, and nowhere else."""
    ids = tokenize_prompt(LetterTokenizer(), f" a: {START} {PATCH}{PATCH}\n{END}\nb \n")
    assert ids == [*map(ord, " a:"), -2, -1, -1, -3, *map(ord, "b \n")]


@needs_golden
@pytest.mark.parametrize(("name", "directory"), [("zh", "tokenizer_ch"), ("en_released", "tokenizer_en")])
def test_pieces_make_the_same_ids_as_the_whole(name, directory):
    """An engine may tokenize the document line by line, also where a tokenizer puts a space before every text."""
    form, tokenizer = prompt_form(name), released_tokenizer(directory)
    told = [form.opening(0, 2), form.requirement((3, 9)), "产品功效", form.narration_lead(0), "好喝。", CLOSING]
    current = [form.opening(1, 2), form.scene(3), form.requirement((27, 33)), "痛点铺垫", form.narration_lead(1)]
    pieces = [form.head(Product("杯子", (KnowledgePoint("功效", "保温"),))), *told, *current]
    by_piece = [tokenize_prompt(tokenizer, piece, is_start=index == 0) for index, piece in enumerate(pieces)]
    assert list(chain.from_iterable(by_piece)) == tokenize_prompt(tokenizer, "".join(pieces))


def num_characters(product: Product) -> int:
    """A count for tests."""
    return len(prompt_form("en").head(product))


LAMP = Product(
    "Lamp",
    tuple(KnowledgePoint(*pair) for pair in [("a", "aaaa"), ("b", "bbbbbb"), ("b", "bbb"), ("a", "a"), ("b", "bb")]),
)


@pytest.mark.parametrize(
    ("too_much", "left"),
    [(0, "aaaa bbbbbb bbb a bb"), (1, "aaaa bbbbbb bbb a"), (6, "aaaa bbbbbb a"), (10, "aaaa a"), (10**6, "")],
)
def test_the_longest_category_loses_its_last_points_first(too_much, left):
    """Whole points only, in as small a number as will do; the order of what stays is kept."""
    budget = num_characters(LAMP) - too_much
    fitted, num_dropped = fit_product(LAMP, budget, num_characters)
    assert " ".join(item.point for item in fitted.knowledge) == left
    assert num_dropped == len(LAMP.knowledge) - len(fitted.knowledge)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz", min_size=1, max_size=9)), max_size=12),
    st.integers(0, 400),
)
def test_what_fits_is_as_long_as_it_may_be(pairs, budget):
    """The result fits or is empty, keeps the order, and what just fits is not shortened further."""
    product = Product("Lamp", tuple(KnowledgePoint(*pair) for pair in pairs))
    fitted, num_dropped = fit_product(product, budget, num_characters)
    assert num_characters(fitted) <= budget or not fitted.knowledge
    assert num_dropped == len(product.knowledge) - len(fitted.knowledge)
    remaining = iter(product.knowledge)
    assert all(item in remaining for item in fitted.knowledge)
    if num_dropped:
        assert fit_product(product, num_characters(fitted), num_characters) == (fitted, num_dropped)
