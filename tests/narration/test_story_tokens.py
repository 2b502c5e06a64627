"""The pieces of a document: together they are the document, and a product leaves room for the clips."""

import pytest

from narrator_ray.narration.prompt import PromptClip, full_prompt, prompt_form
from narrator_ray.narration.prompt_tokens import tokenize_prompt
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.records import KnowledgePoint, Product, ScriptLabel
from tests.narration.tokenizers_on_the_spot import CHINESE, ENGLISH, byte_level

MUG = Product("Mug", tuple(KnowledgePoint("effect", f"keeps coffee hot for {n} hours") for n in range(20)))


def make_tokens(form: str, language: str) -> StoryTokens:
    """Pieces with a small byte-level tokenizer that knows the video tokens."""
    tokenizer = byte_level([*ENGLISH, *CHINESE])
    tokenizer.add_tokens(["<vid_patch>", "<vid_start>", "<vid_end>"], special_tokens=True)
    return StoryTokens.of(tokenizer, prompt_form(form), language)


def test_the_pieces_are_the_prompt():
    """Head, opening, scene, requirement, label and lead, as the prompt has them in one text."""
    tokens, labels = make_tokens("zh", "zh"), (ScriptLabel.SORE_POINT, ScriptLabel.PRODUCT_TRIAL)
    whole = full_prompt(tokens.form, MUG, [PromptClip(0, (3, 9), "痛点铺垫+产品试用", num_tokens=2)], 4)
    clip = [*tokens.opening(0, 4), *tokens.scene(2), *tokens.requirement((3, 9)), *tokens.labels.encode(labels)]
    assert [*tokens.head(MUG), *clip, *tokens.lead(0)] == tokenize_prompt(tokens.tokenizer, whole)


def test_what_stands_before_a_number_begins_the_lead():
    """Only the released English wording has something there."""
    for form, is_there in (("en", False), ("zh", False), ("en_released", True)):
        tokens = make_tokens(form, "zh" if form == "zh" else "en")
        before = tokens.before_number()
        assert bool(before) is is_there
        assert tokens.lead(3)[: len(before)] == before


@pytest.mark.parametrize("context_length", [500, 600, 700, 10_000])
def test_a_product_leaves_room_for_the_clips(context_length):
    """Windows at their upper end, labels and the largest scene fit beside it; points go only where they must."""
    tokens, windows = make_tokens("en", "en"), [(3, 9)] * 3
    product, num_dropped = tokens.fitting_product(MUG, windows, 40, context_length)
    spoken = tokens.encode(" hours" * 9)
    clip = [*tokens.opening(2, 3), *tokens.requirement((3, 9)), *tokens.lead(2), *spoken, *tokens.closing]
    assert len(tokens.head(product)) + 3 * len(clip) + 40 <= context_length
    assert len(product.knowledge) == len(MUG.knowledge) - num_dropped
    assert (num_dropped == 0) == (context_length == 10_000)
