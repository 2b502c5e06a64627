"""What a judge is asked, and what its answers must look like. The wording is ours; the scales are the paper's.

Source: paper, sections 4.2 (does a narration follow its predefined label) and 5 (table 6: three scales from 0 to 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from narrator_ray.evaluation.judge_client import Picture, Question
from narrator_ray.evaluation.stories import JudgedClip, JudgedStory
from narrator_ray.records import Language, ScriptLabel

_MEANINGS: Final = {
    ScriptLabel.PRODUCT_RECOMMENDATION: "introduces or recommends the product, or says that others like it",
    ScriptLabel.SORE_POINT: "names a problem or a wish of the viewer, to which the product is the answer",
    ScriptLabel.CALL_TO_ACTION: "asks the viewer to buy, or says why to buy now: price, offer, stock",
    ScriptLabel.APPEARANCE_DESIGN: "describes how the product looks: shape, colour, style, packaging",
    ScriptLabel.INGREDIENT_MATERIAL_TEXTURE: "says what the product is made of or contains, or how it feels",
    ScriptLabel.PRODUCT_TRIAL: "shows the product in use, or how to use it",
    ScriptLabel.PRODUCT_EFFECT: "says what the product does for whoever uses it",
    ScriptLabel.SPECIFIC_CHARACTERISTICS: "names qualities or particular features of the product",
    ScriptLabel.AUTHORITATIVE_CERTIFICATE: "refers to tests, experts, awards or certificates",
    ScriptLabel.PRODUCT_SECURITY: "says that the product is safe",
    ScriptLabel.PRODUCTION_PROCESS: "tells how the product is made",
    ScriptLabel.OTHERS: "says something that fits none of the other labels",
}
_LANGUAGES: Final[dict[Language, str]] = {"zh": "Chinese", "en": "English"}

LABEL_PROMPT: Final = (
    "You check scripts of product videos. You are given the text that is spoken during one clip and the purpose that "
    "the script gave the clip. Say whether the text serves that purpose; where there are several, it must serve each. "
    "Judge only that: not the style, not whether it is true."
)
STORY_PROMPT: Final = (
    "You rate the voice-over of a product video. You are given what is known of the product, what each clip shows, and "
    "what is said during it. Rate the voice-over as a whole, each scale on its own, with a whole number from 0 to 3.\n"
    "relevance: does what is said fit what the clip shows? 0 nothing to do with it, 1 fits a few clips, 2 fits most "
    "clips, 3 fits every clip.\n"
    "attractiveness: would it draw a viewer in and make the product wanted? 0 puts off, 1 leaves cold, 2 makes one "
    "look, 3 makes one want it.\n"
    "coherence: is it one story in good order, without breaks, contradictions and repetitions? 0 the clips do not hang "
    "together, 1 breaks and repetitions, 2 mostly one story, 3 one story from start to end."
)


def _no_boolean(value: Any) -> Any:
    """Python takes true for 1."""
    if isinstance(value, bool):
        raise ValueError("a mark is a number")  # noqa: TRY004 - pydantic asks for it
    return value


Mark = Annotated[Literal[0, 1, 2, 3], BeforeValidator(_no_boolean)]


class LabelAnswer(BaseModel):
    """Whether a narration follows its label."""

    model_config = ConfigDict(extra="forbid", strict=True)

    follows: bool


class StoryAnswer(BaseModel):
    """Marks of a story."""

    model_config = ConfigDict(extra="forbid", strict=True)

    relevance: Mark
    attractiveness: Mark
    coherence: Mark


def label_question(clip: JudgedClip, labels: Sequence[ScriptLabel], language: Language) -> Question:
    """Does the narration of a clip follow these labels."""
    purposes = "\n".join(f"- {label.name_in('en')}: {_MEANINGS[label]}" for label in labels)
    text = f"Purpose:\n{purposes}\n\nText ({_LANGUAGES[language]}):\n{clip.narration or ''}"
    return Question(LABEL_PROMPT, (text,), LabelAnswer)


def story_question(story: JudgedStory, seen: Sequence[str | Picture]) -> Question:
    """How good is a story.

    Args:
        story: The story.
        seen: What each clip shows: in words, or a picture.
    """
    product = story.video.product
    facts = "\n".join(f"- {name}: {', '.join(points)}" for name, points in product.by_category().items())
    parts: list[str | Picture] = [f"Product: {product.name}\n{facts}\nLanguage: {_LANGUAGES[story.video.language]}"]
    for number, (clip, shown) in enumerate(zip(story.clips, seen, strict=True), start=1):
        heading = f"Clip {number} of {len(story.clips)}, {clip.clip.duration_s:.1f} s"
        said = f"said: {clip.narration or '(nothing)'}"
        if isinstance(shown, str):
            parts.append(f"{heading}\nshown: {shown}\n{said}")
        else:
            parts += [f"{heading}, shown:", shown, said]
    return Question(STORY_PROMPT, tuple(parts), StoryAnswer)
