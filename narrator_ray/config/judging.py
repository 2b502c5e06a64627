"""The section on the language model that judges narrations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from narrator_ray.config.section import PositiveFloat, Section


class JudgeSettings(Section):
    """The judge of `evaluate`: any endpoint that speaks OpenAI's chat completions. Its key is no setting."""

    base_url: str = ""
    """Address of the endpoint, such as `http://localhost:8000/v1`; empty: there is no judge."""
    model: str = ""
    """Name of the model there."""
    api_key_variable: str = "OPENAI_API_KEY"
    """Environment variable that holds the key, where the endpoint wants one."""
    sees: Literal["captions", "frames"] = "captions"
    """What is shown of a clip: the texts of the row's `extra.frame_captions`, one or a list for each clip, or, to a
    model that sees, a picture from its middle."""
    max_concurrent: Annotated[int, Field(ge=1)] = 8
    """Questions asked at once."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """How often a question is asked when the endpoint is busy, broken or silent, with growing waits between."""
    timeout_s: PositiveFloat = 60.0
    """Seconds an answer may take."""
    max_answer_tokens: Annotated[int, Field(ge=16)] = 400
    """Longest answer; a longer one is cut off and counts as malformed."""
    cache: str = ""
    """Directory or s3:// prefix where answers are kept by what was asked; empty keeps none."""
    price_in: Annotated[float, Field(ge=0)] = 0.0
    """Price of a million tokens asked, in whatever currency; cost is told where a price is given."""
    price_out: Annotated[float, Field(ge=0)] = 0.0
    """Price of a million tokens answered."""
