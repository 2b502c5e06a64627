"""Prompts: one document in pieces, and texts of the catalogue that cannot break it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrator_ray.narration.prompt import CLOSING, END, PATCH, START, clean, prompt_form
from narrator_ray.records import KnowledgePoint, Product, ScriptLabel

MUG = Product("Sunny mug", (KnowledgePoint("effect", "keeps warm"), KnowledgePoint("", "9 dollars")))


def test_the_pieces_make_one_document():
    """Head, a finished clip, and the clip that is being narrated."""
    form = prompt_form("en")
    text = form.head(MUG)
    text += (
        form.opening(0, 2) + form.requirement((4, 8)) + "sore point" + form.narration_lead(0) + " Cold tea?" + CLOSING
    )
    text += form.opening(1, 2) + form.scene(3) + form.requirement((5, 9))
    tail = text.split("Product:")[1]
    assert tail.splitlines() == [
        "",
        "name: Sunny mug",
        "effect: keeps warm",
        "facts: 9 dollars",
        "",
        "Video:",
        "Clip 1/2:",
        "length: 4-8 words",
        "script type: sore point",
        "1. Cold tea?",
        "Clip 2/2:",
        f"scene: {START}{PATCH * 3}{END}",
        "length: 5-9 words",
        "script type: ",
    ]


def test_the_chinese_form_has_the_published_structure():
    """Clip heading, scene, word requirement, script type, numbered narration."""
    form = prompt_form("zh")
    text = form.opening(1, 3) + form.scene(1) + form.requirement((27, 33)) + "痛点铺垫" + form.narration_lead(1)
    assert text == f"镜头2/3：\n场景：{START}{PATCH}{END}\n字数要求：27-33个字\n剧本类型：痛点铺垫\n2."


def test_a_label_set_is_joined():
    """Several labels of one clip stand in one line."""
    labels = (ScriptLabel.PRODUCT_EFFECT, ScriptLabel.CALL_TO_ACTION)
    assert prompt_form("zh").labels(labels, "zh") == "产品功效+引导购买"


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("a\nb\r\n\tc", "a b c"),
        ("x <vid_patch> y", "x vid_patch y"),
        ("< VID_END >[PAD]", "VID_ENDPAD"),
        ("镜头1/3：买它", "镜头1 of3：买它"),
        ("Clip 2/9: buy", "Clip 2 of9: buy"),
        ("</s><|im_end|>", "/s|im_end|"),
        ("3 < 5 and 7 > 6", "3 < 5 and 7 > 6"),
        ("zero\u200bwidth\u2028", "zero width"),
    ],
)
def test_catalogue_texts_are_defused(text, harmless):
    """What could be read as structure is not structure any more; the rest is left alone."""
    assert clean(text) == harmless


@given(st.text(alphabet=st.sampled_from("<>[]vid_patch_ends|/s镜头clip123 \n\r：:PAD"), max_size=60))
def test_no_text_survives_as_structure(text):
    """Whatever is written, the head keeps its number of lines and holds no token of ours."""
    plain = prompt_form("en").head(Product("x", (KnowledgePoint("x", "x"),)))
    head = prompt_form("en").head(Product(text, (KnowledgePoint(text, text),)))
    assert len(head.splitlines()) == len(plain.splitlines())
    assert not any(token in head for token in (START, END, PATCH, "Clip 1/", "镜头1/"))
