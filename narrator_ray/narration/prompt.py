"""The prompt: one document per video that grows clip by clip, in pieces that an engine can feed one after another.

    head                        instruction, product, "video:"            once per video
    opening(i)                  "Clip 2/5:"
    scene(i)                    the line with the visual tokens           only for the clip that is being narrated
    requirement(window)         "length: 9-15 words"
    label_lead                  "script type:"                            the model writes its label here
    labels + narration_lead(i)  the label, a line break, "2."             the model writes its narration here
    closing                     the line break after a narration

A finished clip stays in the document without its scene line. Catalogue texts are untrusted: they are put on one line
and lose everything that could be read as one of our special tokens or as a clip's heading.

Source: paper, section 4 (prompt); the Chinese form's structure is the released one, the English one mirrors it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from narrator_ray.records import Language, Product, ScriptLabel

PROMPT_VERSION = "1"

PATCH, START, END = "<vid_patch>", "<vid_start>", "<vid_end>"
_SPECIAL_TOKEN = re.compile(r"<\s*(/?\s*[a-z_|]{1,30})\s*>|\[\s*(pad|unk|cls|sep|mask)\s*\]", re.IGNORECASE)
_CLIP_HEADING = re.compile(r"(镜头|clip)(\s*\d+)\s*/(\s*\d+)", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class PromptForm:
    """The wording of a prompt in one language.

    Attributes:
        instruction: What the model is asked to do.
        product_heading: Line before the product.
        name_line: The product's name.
        point_line: One category with its points.
        point_separator: Between points of a category.
        video_heading: Line before the clips.
        clip_heading: First line of a clip; takes ``place`` (1-based) and ``count``.
        scene_line: The line with the visual tokens.
        requirement_line: The length window; takes ``low`` and ``high``.
        label_lead: What stands before a script label.
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
    requirement_line: str
    label_lead: str
    other_category: str

    def head(self, product: Product) -> str:
        """Everything before the first clip."""
        lines = [self.instruction, self.product_heading, self.name_line.format(clean(product.name))]
        for category, points in product.by_category().items():
            joined = self.point_separator.join(map(clean, points))
            lines.append(self.point_line.format(clean(category) or self.other_category, joined))
        return "\n".join(lines) + f"\n\n{self.video_heading}\n"

    def opening(self, index: int, num_clips: int) -> str:
        """First line of a clip; ``index`` is 0-based."""
        return self.clip_heading.format(place=index + 1, count=num_clips)

    def scene(self, num_tokens: int) -> str:
        """The line with the visual tokens' placeholders."""
        return self.scene_line.format(START + PATCH * num_tokens + END)

    def requirement(self, window: tuple[int, int]) -> str:
        """The length window, and the lead of the script label."""
        return self.requirement_line.format(low=window[0], high=window[1]) + self.label_lead

    def narration_lead(self, index: int) -> str:
        """What follows the label: the line break that ends it and the narration's number."""
        return f"\n{index + 1}."

    def labels(self, labels: Sequence[ScriptLabel], language: Language) -> str:
        """A label set as it stands in the prompt."""
        return "+".join(label.name_in(language) for label in labels)


CLOSING = "\n"
"""What follows a narration."""

_ENGLISH = PromptForm(
    instruction=(
        "You write the voice-over of product videos. Below are the facts about one product and the clips of one video. "
        "For every clip write what the speaker says: natural, friendly sentences that fit the clip, keep to the "
        "facts, follow on from what was said before and have the required length.\n"
    ),
    product_heading="Product:",
    name_line="name: {}",
    point_line="{}: {}",
    point_separator="; ",
    video_heading="Video:",
    clip_heading="Clip {place}/{count}:\n",
    scene_line="scene: {}\n",
    requirement_line="length: {low}-{high} words\n",
    label_lead="script type: ",
    other_category="facts",
)
_CHINESE = PromptForm(
    instruction=(
        "你为商品视频撰写口播文案。下面是一件商品的信息和一段视频的各个镜头。请为每个镜头写出旁白：贴合画面，只使用商品信息，"
        "与前文连贯，并满足字数要求。\n"
    ),
    product_heading="商品信息：",
    name_line="名称：{}",
    point_line="{}：{}",
    point_separator="、",
    video_heading="广告视频：",
    clip_heading="镜头{place}/{count}：\n",
    scene_line="场景：{}\n",
    requirement_line="字数要求：{low}-{high}个字\n",
    label_lead="剧本类型：",
    other_category="通用卖点",
)
_FORMS: dict[Language, PromptForm] = {"en": _ENGLISH, "zh": _CHINESE}


def prompt_form(language: Language) -> PromptForm:
    """The wording for a language."""
    return _FORMS[language]


def clean(text: str) -> str:
    """Catalogue text made harmless: one line, no special tokens, nothing that reads like a clip's heading."""
    one_line = _SPACE.sub(" ", _CONTROL.sub(" ", text)).strip()
    without_tokens = _SPECIAL_TOKEN.sub(lambda match: match.group(1) or match.group(2), one_line)
    return _CLIP_HEADING.sub(r"\1\2 of\3", without_tokens)
