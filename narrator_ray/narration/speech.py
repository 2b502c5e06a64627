"""How long a text takes to say.

A sum over characters: letters, characters and figures have their seconds, pauses theirs; at the end of the text there
is none. Fitted by least squares to espeak-ng at its default pace; ``benchmarks/speech.py`` measures how far it is off.
A voice that speaks faster divides all by its pace.

The same sum drives the length window of policy ``speech`` (``narration.spoken_text``), in ticks. Loads no torch.
"""

from __future__ import annotations

from typing import Final

from narrator_ray.records import Language

TICK_S: Final = 0.01
"""Unit of spoken time."""

_CHARACTER_TICKS: dict[Language, dict[str, int]] = {
    "en": {"capital": 6, "small": 6, "digit": 45, "percent": 55, "money": 45},
    "zh": {"han": 35, "letter": 5, "digit": 27, "percent": 55},
}
_PAUSE_TICKS: dict[Language, int] = {"en": 26, "zh": 29}
_SENTENCE_TICKS: dict[Language, int] = {"en": 40, "zh": 18}
_POINT_TICKS = 30

TYPICAL_WORD_TICKS: dict[Language, int] = {"en": 30, "zh": 35}
"""An English word of five letters; a Chinese character."""


def ticks_of(language: Language, state: str, character_class: str) -> int:
    """Ticks that one more character adds.

    Args:
        language: Of the text.
        state: What was read before it, a state of the grammar of ``narration.spoken_text``.
        character_class: The character's class there.
    """
    ticks = _CHARACTER_TICKS[language].get(character_class, 0)
    if state == "point" and character_class == "digit":
        return ticks + _POINT_TICKS
    if language == "zh" and character_class == "pause":
        return _PAUSE_TICKS[language]
    if language == "en" and state in {"pause", "separator"} and character_class == "space":
        return _PAUSE_TICKS[language]
    if state == "end" or (state == "point" and character_class == "space"):
        return ticks + _SENTENCE_TICKS[language]
    return ticks
