"""What a client may have done to texts of its own: measured, or made into subtitles, by the batch job's functions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from narrator_ray.config import Config, Section
from narrator_ray.narration.length import count_words
from narrator_ray.narration.speech import TICK_S
from narrator_ray.narration.spoken_text import spoken_ticks
from narrator_ray.outputs.subtitles import SubtitleFormat, subtitles
from narrator_ray.records import Clip, JsonDict, Language, Narration

_MOST_TEXTS = 500
_LONGEST_S = 359_999.0
"""Subtitles count up to a hundred hours."""
Text = Annotated[str, Field(max_length=5000)]
Seconds = Annotated[float, Field(ge=0, le=_LONGEST_S, allow_inf_nan=False)]


class Measuring(Section):
    """Texts whose length is asked for."""

    language: Language
    texts: Annotated[tuple[Text, ...], Field(max_length=_MOST_TEXTS)]

    def answer(self, config: Config) -> JsonDict:
        """Words (en) or characters (zh) of each text, and the seconds that it takes to say it."""
        pace = config.length.pace(self.language)
        lengths = [
            {
                "num_words": count_words(text, self.language),
                "spoken_s": round(spoken_ticks(text, self.language) * TICK_S / pace, 2),
            }
            for text in self.texts
        ]
        return {"lengths": lengths}


class TimedText(Section):
    """A text and when it is spoken."""

    start_s: Seconds
    end_s: Seconds
    text: Text


class Subtitling(Section):
    """Texts that are to be subtitles."""

    language: Language
    format: SubtitleFormat
    narrations: Annotated[tuple[TimedText, ...], Field(max_length=_MOST_TEXTS)]

    def answer(self) -> str:
        """The subtitle file. A text whose time ends before it begins is left out."""
        timed = [item for item in self.narrations if item.start_s < item.end_s]
        narrations = [
            Narration(index, Clip(item.start_s, item.end_s), (), "predefined", item.text, 0, 0, 0, 0, ())
            for index, item in enumerate(timed)
        ]
        return subtitles(narrations, self.language, self.format)
