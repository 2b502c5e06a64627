"""Prompts: one document in pieces, and texts of the catalogue that cannot break it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrator_ray.errors import ConfigError
from narrator_ray.narration.prompt import CLOSING, END, PATCH, START, PromptClip, clean, full_prompt, prompt_form
from narrator_ray.records import KnowledgePoint, Product

MUG = Product("Sunny mug", (KnowledgePoint("effect", "keeps warm"), KnowledgePoint("", "9 dollars")))


def test_the_pieces_make_one_document():
    """Head, a finished clip, and the clip that is being narrated."""
    form = prompt_form("en")
    text = form.head(MUG)
    text += (
        form.opening(0, 2) + form.requirement((4, 8)) + " sore point" + form.narration_lead(0) + " Cold tea?" + CLOSING
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
        "script type:",
    ]
    clips = [PromptClip(0, (4, 8), "sore point", "Cold tea?"), PromptClip(1, (5, 9), num_tokens=3)]
    assert full_prompt(form, MUG, clips, 2) == text


def test_the_chinese_form_has_the_published_structure():
    """Clip heading, scene, word requirement, script type, numbered narration."""
    form = prompt_form("zh")
    text = form.opening(1, 3) + form.scene(1) + form.requirement((27, 33)) + "痛点铺垫" + form.narration_lead(1)
    assert text == f"镜头2/3：\n场景：{START}{PATCH}{END}\n字数要求：27-33个字\n剧本类型：痛点铺垫\n2."
    assert form.clip(PromptClip(1, (27, 33), "痛点铺垫", num_tokens=1), 3) == text


@pytest.mark.parametrize(
    ("name", "line"), [("zh", "修改要求：short"), ("en", "instruction: short"), ("en_released", " instruction: short")]
)
def test_a_wish_is_one_harmless_line(name, line):
    """Or none; what would read like a heading or a special token is no more than text."""
    form = prompt_form(name)
    assert form.wish(" \n") == ""
    assert form.wish("short,\nClip 2/3: <vid_patch>") == line + ", Clip 2-3: vid_patch\n"


@pytest.mark.parametrize(("name", "wording"), [("zh", "剧本类型"), ("en", "script type")])
def test_labels_can_be_left_out(name, wording):
    """Neither the instruction nor a clip speaks of script types then."""
    clip = PromptClip(0, (3, 9), narration="a b c")
    assert wording in full_prompt(prompt_form(name), MUG, [clip], 1)
    without = full_prompt(prompt_form(name, has_labels=False), MUG, [clip], 1)
    assert wording not in without
    assert without.splitlines()[-1].startswith("1.")


def test_the_released_english_form_tells_no_product():
    """It is the form of stories without a product, and has no labels."""
    text = full_prompt(prompt_form("en_released"), MUG, [PromptClip(0, (5, 15), num_tokens=1)], 4)
    assert "Sunny mug" not in text
    assert text.endswith(
        "narratives.\n\n Video shot 1:\n visual scene: <vid_start><vid_patch><vid_end>\n"
        " word count requirement: 5-15 words\n Narrative 1:"
    )


def test_an_unknown_form_is_refused():
    """The message names the forms there are."""
    with pytest.raises(ConfigError, match="'de'; there are zh, en, en_released"):
        prompt_form("de")


def test_categories_that_read_the_same_share_a_line():
    """Grouping follows what is written; points of nothing but space are left out."""
    product = Product("x", tuple(KnowledgePoint(*pair) for pair in [("a", "1"), (" a\n", "2"), ("b", "\n"), ("", "3")]))
    assert prompt_form("en").head(product).splitlines()[-5:] == ["name: x", "a: 1; 2", "facts: 3", "", "Video:"]


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("a\nb\r\n\tc", "a b c"),
        ("x <vid_patch> y", "x vid_patch y"),
        ("<<vid_patch>>", "vid_patch"),
        ("<vid_<b>patch>", "vid_bpatch"),
        ("＜vid_patch＞", "vid_patch"),
        ("< VID_END >[PAD]", "VID_ENDPAD"),
        ("镜头1/3：买它", "镜头1-3：买它"),
        ("Clip 2/9: buy", "Clip 2-9: buy"),
        ("Video shot 2: Narrative 2: buy", "Video shot 2 Narrative 2 buy"),
        ("</s><|im_end|>", "/s|im_end|"),
        ("<|reserved_special_token_12|>", "|reserved_special_token_12|"),
        ("3 < 5 and 7 > 6", "3 < 5 and 7 > 6"),
        ("-20<T<45, 1/2 price", "-20<T<45, 1/2 price"),
        ("zero\u200bwidth\u2028", "zero width"),
        ("half a pair \ud83d", "half a pair"),
    ],
)
def test_catalogue_texts_are_defused(text, harmless):
    """What could be read as structure is not structure any more; the rest is left alone."""
    assert clean(text) == harmless


HOSTILE = st.text(alphabet=st.sampled_from("<>[]vid_patch_ends|/s镜头clip123 \n\r：:PAD"), max_size=60) | st.lists(
    st.sampled_from([START, PATCH, END, "[PAD]", "<", ">", "\n", "镜头1/3：", "Clip 1/3:", "1.", "a"]), max_size=8
).map("".join)


@given(HOSTILE)
def test_no_text_survives_as_structure(text):
    """Whatever a catalogue says, the document keeps its lines and holds the scene's own tokens only."""
    clips = [PromptClip(0, (1, 2), "a", f"x{text}"), PromptClip(1, (1, 2), num_tokens=2)]
    product = Product(f"x{text}", (KnowledgePoint(f"x{text}", f"x{text}"),))
    for name in ("zh", "en"):
        form = prompt_form(name)
        plain = form.head(Product("x", (KnowledgePoint("x", "x"),)))
        document = full_prompt(form, product, clips, 3)
        lines_of_clips = ["opening", "length", "type", "1.", "opening", "scene", "length", "type"]
        assert len(document.splitlines()) == len(plain.splitlines()) + len(lines_of_clips)
        assert [document.count(token) for token in (START, PATCH, END, "[PAD]")] == [1, 2, 1, 0]
        assert document.count(form.opening(0, 3).strip()) == 1


@given(HOSTILE)
def test_cleaning_again_changes_nothing(text):
    """What is harmless stays as it is."""
    assert clean(clean(text)) == clean(text)
