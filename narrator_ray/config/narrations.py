"""Sections on the model, the length of narrations and how they are decoded."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from narrator_ray.config.section import PositiveFloat, Section
from narrator_ray.records import Language

_NARROWEST_SPEECH = 0.1
"""Least width of the window of spoken time, as a share of the clip."""


class ModelSettings(Section):
    """Which model narrates, and where."""

    preset: str = "nano"
    """Name of a preset (see `narrator-ray presets`) or path of a preset YAML file."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU when the cluster has one."""
    compression_threshold: Annotated[float, Field(gt=-1, le=1)] = 0.9
    """Adjacent frames at least this similar (cosine) are compressed into one."""
    memory_frames: Annotated[int, Field(ge=1)] = 1
    """Length of the consolidated memory of all earlier clips, in frames."""
    use_adapter: bool = True
    """Whether the model's LoRA adapter is used (false: the paper's ablation a). Training goes on with it, or, if false,
    begins a new one from the model without it."""
    adapters: dict[str, str] = {}
    """Further LoRA adapters by the name that catalogue rows give as `adapter`, and where each lies: a directory, a hub
    repository or an s3:// prefix. All lie in memory beside the model; a video is narrated with its own."""
    use_storyline: bool = True
    """Whether clips have script labels (false: ablation b)."""
    use_position: bool = True
    """Whether the model is told where in the video a clip lies (false: ablation c)."""
    use_compression: bool = True
    """Whether near-duplicate frames of the current clip are dropped (false: ablation d)."""
    memory: Literal["consolidated", "all", "none"] = "consolidated"
    """What is kept of earlier clips: memory_frames averaged frames, every frame as it is (ablation e), or nothing."""


class LengthSettings(Section):
    """How long a narration may be. Words are words in English and characters in Chinese."""

    policy: Literal["auto", "rate", "explicit", "reference", "speech"] = "auto"
    """`rate`: speaking rate x clip seconds; `explicit`: the catalogue's word_ranges; `reference`: length of the
    reference narration; `speech`: the seconds that it takes to say the text, as a share of the clip's; `auto`: explicit
    where the catalogue gives ranges, else rate."""
    rate_en: PositiveFloat = 2.5
    """English words per second."""
    margin_en: Annotated[int, Field(ge=0)] = 3
    """English words either side of rate x seconds (policy rate)."""
    rate_zh: PositiveFloat = 5.0
    """Chinese characters per second."""
    margin_zh: Annotated[int, Field(ge=0)] = 3
    """Chinese characters either side of rate x seconds (policy rate)."""
    reference_margin_en: Annotated[int, Field(ge=0)] = 5
    """English words either side of the reference's length (policy reference)."""
    reference_margin_zh: Annotated[int, Field(ge=0)] = 3
    """Chinese characters either side of the reference's length (policy reference)."""
    pace_en: Annotated[float, Field(ge=0.2, le=5)] = 1.0
    """Pace of the English voice, 1 being espeak-ng's 175 words a minute (policy speech)."""
    pace_zh: Annotated[float, Field(ge=0.2, le=5)] = 1.6
    """Pace of the Chinese voice, 1 being espeak-ng's; 1.6 says about five characters a second (policy speech)."""
    speech_least: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Shortest spoken time of a narration as a share of its clip (policy speech)."""
    speech_most: Annotated[float, Field(gt=0, le=2)] = 0.9
    """Longest spoken time as a share of the clip; a tenth is left because spoken time is estimated (policy speech)."""

    @model_validator(mode="after")
    def _has_a_window(self) -> Self:
        if self.speech_most - self.speech_least < _NARROWEST_SPEECH:
            raise ValueError(
                f"speech_least {self.speech_least} and speech_most {self.speech_most}: the highest must exceed the "
                f"lowest by {_NARROWEST_SPEECH} at least, or few sentences fit"
            )
        return self

    def pace(self, language: Language) -> float:
        """Pace of the voice of a language."""
        return self.pace_en if language == "en" else self.pace_zh


class DecodingSettings(Section):
    """How the language model picks tokens."""

    temperature: Annotated[float, Field(ge=0, le=5)] = 0.0
    """0 is greedy."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Nucleus: sample among the likeliest tokens that hold this much probability."""
    repetition_penalty: Annotated[float, Field(ge=1, le=3)] = 1.1
    """Above 1 lowers the score of tokens that the story used already; the paper's is 1.1. A preset may have another, as
    nano has 1.0, which holds where this is not given."""
    no_repeat_tokens: Annotated[int, Field(ge=0)] = 4
    """A story avoids phrases of this many tokens that it told before, the product's words excepted; 0 allows all."""
    opening_penalty: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Taken off the score of the first word of a narration, once for every one of the story that begins with the same
    token, and likewise of sentences in a narration: natural logarithms of probability. 0 lets all begin alike."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the run; every video draws from its own stream derived from it."""
