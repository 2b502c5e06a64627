"""The prompt: one document per video that grows clip by clip, in pieces that an engine can feed one after another.

    head                        instruction, product, "Video:"            once per video
    opening(i)                  "Clip 2/5:"
    scene(i)                    the line with the visual tokens           only for the clip that is being narrated
    wish(text)                  what a client wants of this clip          likewise, where there is such a wish
    requirement(window)         "length: 9-15 words", "script type:"      the model writes its label here
    labels + narration_lead(i)  the label, a line break, "2."             the model writes its narration here
    CLOSING                     the line break after a narration

A finished clip stays in the document without its scene line. :func:`full_prompt` puts the same pieces together at once.
Catalogue texts are untrusted: they are put on one line and lose everything that could be read as one of our special
tokens or as a clip's heading. Knows no tokenizer (see ``narration.prompt_tokens``).

Three forms: ``zh`` and ``en_released`` are the released code's, byte for byte, for the authors' checkpoints; ``en`` is
this project's English, which has product information and script labels as the Chinese form has.

Source: paper, section 4 (prompt); released code, PROMPT_DICT and main loop of lora_video_infer.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from narrator_ray.errors import ConfigError
from narrator_ray.records import Product

PROMPT_VERSION = "3"

PATCH, START, END = "<vid_patch>", "<vid_start>", "<vid_end>"
CLOSING = "\n"
"""What follows a narration."""

_SPECIAL_TOKEN = re.compile(
    r"[<＜]+\s*([|｜/]*[^\W\d][\w|｜▁/:.-]{0,63})\s*[>＞]+|\[\s*/?(pad|unk|cls|sep|mask|inst)\s*\]", re.I
)
_CLIP_HEADING = re.compile(r"((?:镜头|clip)\s*\d+)\s*[/／]\s*(\d+)", re.IGNORECASE)
_SHOT_HEADING = re.compile(r"((?:video shot|narrative)\s*\d+)\s*[:：]", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


@dataclass(frozen=True, slots=True)
class PromptClip:
    """A clip as it stands in the document, finished or not.

    Attributes:
        index: 0-based place of the clip in its video.
        window: Lowest and highest length.
        labels: Its script labels as written, or None where the model is to write them now.
        narration: What is said, or None where the model is to write it now.
        num_tokens: Visual tokens of its scene line; 0 for a clip without one.
    """

    index: int
    window: tuple[int, int]
    labels: str | None = None
    narration: str | None = None
    num_tokens: int = 0


@dataclass(frozen=True, slots=True)
class PromptForm:
    """The wording of a prompt in one language.

    Attributes:
        instruction: What the model is asked to do.
        product_heading: Line before the product; empty for a form that does not tell the product.
        name_line: The product's name.
        point_line: One category with its points.
        point_separator: Between points of a category.
        video_heading: Line before the clips.
        clip_heading: First line of a clip; takes ``place`` (1-based) and ``count``.
        scene_line: The line with the visual tokens.
        wish_line: What is wanted of the clip at hand, in a client's words.
        requirement_line: The length window; takes ``low`` and ``high``.
        label_lead: What stands before a script label; empty for a form without labels.
        narration_number: What stands before a narration; takes ``place``.
        word_space: What stands between a lead and the text after it: a tokenizer writes it together with the text's
            first word.
        other_category: Category of points that have none.
    """

    instruction: str
    product_heading: str
    name_line: str
    point_line: str
    point_separator: str
    video_heading: str
    clip_heading: str
    scene_line: str
    wish_line: str
    requirement_line: str
    label_lead: str
    narration_number: str
    word_space: str
    other_category: str

    @property
    def has_labels(self) -> bool:
        """Whether every clip has a script label."""
        return bool(self.label_lead)

    def head(self, product: Product) -> str:
        """Everything before the first clip."""
        if not self.product_heading:
            return f"{self.instruction}\n"
        lines = [self.instruction, self.product_heading, self.name_line.format(clean(product.name))]
        for category, points in self._knowledge(product).items():
            lines.append(self.point_line.format(category, self.point_separator.join(points)))
        return "\n".join(lines) + f"\n\n{self.video_heading}\n"

    def opening(self, index: int, num_clips: int) -> str:
        """First line of a clip; ``index`` is 0-based."""
        return self.clip_heading.format(place=index + 1, count=num_clips)

    def scene(self, num_tokens: int) -> str:
        """The line with the visual tokens' placeholders."""
        return self.scene_line.format(START + PATCH * num_tokens + END)

    def wish(self, text: str) -> str:
        """The line with what is wanted of a clip; nothing where nothing is."""
        wanted = clean(text)
        return self.wish_line.format(wanted) if wanted else ""

    def requirement(self, window: tuple[int, int]) -> str:
        """The length window, and the lead of the script label."""
        return self.requirement_line.format(low=window[0], high=window[1]) + self.label_lead

    def narration_lead(self, index: int) -> str:
        """What follows the label, if there is one: the line break that ends it; and the narration's number."""
        return ("\n" if self.has_labels else "") + self.narration_number.format(place=index + 1)

    def clip(self, clip: PromptClip, num_clips: int) -> str:
        """A whole clip, up to where the model is to write."""
        text = self.opening(clip.index, num_clips)
        if clip.num_tokens:
            text += self.scene(clip.num_tokens)
        text += self.requirement(clip.window)
        if self.has_labels:
            if clip.labels is None:
                return text
            text += self.word_space + clean(clip.labels)
        text += self.narration_lead(clip.index)
        return text if clip.narration is None else text + self.word_space + clean(clip.narration) + CLOSING

    def _knowledge(self, product: Product) -> dict[str, list[str]]:
        """Points by category, cleaned; what is empty after cleaning is left out."""
        grouped: dict[str, list[str]] = {}
        for item in product.knowledge:
            if point := clean(item.point):
                grouped.setdefault(clean(item.category) or self.other_category, []).append(point)
        return grouped


_ENGLISH = PromptForm(
    instruction=(
        "You write the voice-over of product videos. Below are the facts about one product and the clips of one video. "
        "For every clip first name its script type, then write what the speaker says: natural, friendly sentences that "
        "fit the clip and its script type, keep to the facts, follow on from what was said before and have the "
        "required length.\n"
    ),
    product_heading="Product:",
    name_line="name: {}",
    point_line="{}: {}",
    point_separator="; ",
    video_heading="Video:",
    clip_heading="Clip {place}/{count}:\n",
    scene_line="scene: {}\n",
    wish_line="instruction: {}\n",
    requirement_line="length: {low}-{high} words\n",
    label_lead="script type:",
    narration_number="{place}.",
    word_space=" ",
    other_category="facts",
)
_ENGLISH_WITHOUT_LABELS = (
    "You write the voice-over of product videos. Below are the facts about one product and the clips of one video. "
    "For every clip write what the speaker says: natural, friendly sentences that fit the clip, keep to the facts, "
    "follow on from what was said before and have the required length.\n"
)
_ENGLISH_RELEASED = PromptForm(
    instruction=(
        "You are an AI assistant that can understand videos. You are given sequential video shots related to a "
        "specific event, along with the corresponding visual scene and the word count requirement. Your task is to "
        "create a narrative for each video shot. Ensure that the narrative closely aligns with the visual scene, "
        "meets the word count requirement, and maintains consistency with the preceding narratives.\n"
    ),
    product_heading="",
    name_line="",
    point_line="",
    point_separator="",
    video_heading="",
    clip_heading=" Video shot {place}:\n",
    scene_line=" visual scene: {}\n",
    wish_line=" instruction: {}\n",
    requirement_line=" word count requirement: {low}-{high} words\n",
    label_lead="",
    narration_number=" Narrative {place}:",
    word_space=" ",
    other_category="",
)
_CHINESE = PromptForm(
    instruction=(
        "你是一位广告商，擅长为商品撰写具有吸引力的广告文案，并且能够准确理解商品信息和视频信息。\n"
        "我将为你提供商品信息以及该商品对应的广告视频的每个镜头的信息。你的任务是结合商品信息，为视频的每个镜头撰写符合当前字数要求的"
        "广告文案，吸引消费者购买。你需要判断每个镜头的剧本类型，确保文案围绕镜头的剧本类型展开，与当前场景紧密相关，并且与前面的文案"
        "保持连贯。\n\n请注意，在撰写文案时，主要使用到提供的商品信息以及镜头的场景信息。\n"
    ),
    product_heading="商品信息：",
    name_line="名称：{}",
    point_line="{}：{}",
    point_separator="、",
    video_heading="广告视频：",
    clip_heading="镜头{place}/{count}：\n",
    scene_line="场景：{}\n",
    wish_line="修改要求：{}\n",
    requirement_line="字数要求：{low}-{high}个字\n",
    label_lead="剧本类型：",
    narration_number="{place}.",
    word_space="",
    other_category="通用卖点",
)
_CHINESE_WITHOUT_LABELS = (
    "你是一位广告商，擅长为商品撰写具有吸引力的广告文案，并且能够准确理解商品信息和视频信息。\n"
    "我将为你提供商品信息以及该商品对应的广告视频的每个镜头的信息。你的任务是结合商品信息，为视频的每个镜头撰写符合当前字数要求的"
    "广告文案，吸引消费者购买。你需要确保文案与当前场景紧密相关，并且与前面的文案保持连贯。\n\n"
    "请注意，在撰写文案时，主要使用到提供的商品信息以及镜头的场景信息。\n"
)
_FORMS: dict[str, PromptForm] = {"zh": _CHINESE, "en": _ENGLISH, "en_released": _ENGLISH_RELEASED}
_INSTRUCTIONS_WITHOUT_LABELS = {"zh": _CHINESE_WITHOUT_LABELS, "en": _ENGLISH_WITHOUT_LABELS}


def prompt_form(name: str, has_labels: bool = True) -> PromptForm:
    """The wording of that name; a language's name is its default form.

    Args:
        name: ``zh``, ``en`` or ``en_released`` (which has no labels in any case).
        has_labels: False leaves script labels out, for the ablation without storyline.

    Raises:
        ConfigError: There is no such form.
    """
    if name not in _FORMS:
        raise ConfigError(f"no such prompt form: {name!r}; there are {', '.join(_FORMS)}")
    form = _FORMS[name]
    if has_labels or not form.has_labels:
        return form
    return replace(form, instruction=_INSTRUCTIONS_WITHOUT_LABELS[name], label_lead="")


def full_prompt(form: PromptForm, product: Product, clips: Sequence[PromptClip], num_clips: int) -> str:
    """The document from its first character to where the model is to write.

    Args:
        form: Wording.
        product: The product; ignored by a form that does not tell it.
        clips: Finished clips in order, then the one that is being narrated.
        num_clips: Clips of the video.
    """
    return form.head(product) + "".join(form.clip(clip, num_clips) for clip in clips)


def clean(text: str) -> str:
    """Catalogue text made harmless: one line, no special tokens, nothing that reads like a clip's heading.

    Angle brackets around a single word go, so ``<vid_patch>`` becomes ``vid_patch``; ``3 < 5 and 7 > 6`` stays. A
    heading such as ``Clip 1/3`` becomes ``Clip 1-3``. Runs of white space become one space, as in the released code.
    """
    one_line = _SPACE.sub(" ", _UNSEEN.sub(" ", text)).strip()
    while (defused := _SPECIAL_TOKEN.sub(lambda match: match[1] or match[2], one_line)) != one_line:
        one_line = defused
    return _SHOT_HEADING.sub(r"\1", _CLIP_HEADING.sub(r"\1-\2", one_line))
