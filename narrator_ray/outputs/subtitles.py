"""Subtitles of a narrated video: timed captions, and the SRT and WebVTT files made of them.

Knows nothing of how the text was written. The text is untrusted: whatever stands in it is shown as it is and can
neither end a cue nor start a tag. SRT has no escapes, so the few characters that players act upon are replaced by
look-alikes there; WebVTT gets character references and loses nothing.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pysubs2

from narrator_ray.outputs.line_breaking import LINE_COLUMNS, break_into_captions, columns_of
from narrator_ray.records import Clip, Language, Narration

SubtitleFormat = Literal["srt", "vtt"]

MIN_CUE_S = 1.0
"""A cue is shown at least this long, where its clip is long enough for all its cues."""

_TIMESTAMP_COLON = re.compile(r"(?<=\d):(?=\d\d?[:.,]\d)")
_SRT_LOOKALIKES = str.maketrans({"<": "‹", ">": "›", "{": "｛", "}": "｝", "\\": "＼"})
_VTT_REFERENCES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "{": "&#123;", "}": "&#125;", "\\": "&#92;", "\u00a0": "&nbsp;"}
)


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption on the screen.

    Attributes:
        start_ms: First millisecond it is shown.
        end_ms: First millisecond it is no longer shown.
        lines: One or two lines of plain text.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]

    @property
    def vtt_payload(self) -> str:
        """The lines as WebVTT cue text, everything with a meaning there written as a character reference."""
        return "\n".join(_TIMESTAMP_COLON.sub("&#58;", line.translate(_VTT_REFERENCES)) for line in self.lines)


def caption_cues(narrations: Sequence[Narration], language: Language) -> list[Cue]:
    """Timed captions of a video, in order of time.

    A long narration becomes several cues that share the time of its clip in proportion to their length. Cues never
    overlap as long as clips do not, and never leave their clip. A blank narration gives no cue.

    Args:
        narrations: The narrations of one video.
        language: Decides how long a line may be: 42 characters in English, 16 in Chinese.
    """
    return text_cues([(narration.clip, narration.text) for narration in narrations], language)


def text_cues(texts: Sequence[tuple[Clip, str]], language: Language) -> list[Cue]:
    """Likewise, of clips and what is said in each."""
    ordered = sorted(texts, key=lambda item: item[0].start_s)
    return [cue for clip, text in ordered for cue in _cues_of_clip(_visible_text(text), clip, LINE_COLUMNS[language])]


def subtitles(narrations: Sequence[Narration], language: Language, format: SubtitleFormat) -> str:
    """The subtitle file of one video.

    Args:
        narrations: The narrations of one video.
        language: Decides how long a line may be.
        format: ``srt`` (SubRip) or ``vtt`` (WebVTT).

    Returns:
        The text of the file; it is to be written as UTF-8.
    """
    if format == "srt":
        narrations = [replace(narration, text=_without_srt_markup(narration.text)) for narration in narrations]
    document = pysubs2.SSAFile()
    for cue in caption_cues(narrations, language):
        payload = cue.vtt_payload if format == "vtt" else "\n".join(cue.lines)
        document.append(pysubs2.SSAEvent(start=cue.start_ms, end=cue.end_ms, text=payload.replace("\n", r"\N")))
    return document.to_string(format, keep_ssa_tags=True)


def _without_srt_markup(text: str) -> str:
    return _TIMESTAMP_COLON.sub("∶", text.translate(_SRT_LOOKALIKES))


def _visible_text(text: str) -> str:
    """One line without control characters and lone surrogates, neither of which can be shown or stored."""
    spaced = " ".join(text.split())
    return "".join(char for char in spaced if unicodedata.category(char) not in ("Cc", "Cs"))


def _cues_of_clip(text: str, clip: Clip, max_columns: int) -> Iterator[Cue]:
    captions = break_into_captions(text, max_columns)
    start_ms, end_ms = math.ceil(round(clip.start_s * 1000, 6)), math.floor(round(clip.end_s * 1000, 6))
    weights = [sum(map(columns_of, lines)) for lines in captions]
    bounds_ms = _share_time(weights, start_ms, end_ms)
    for lines, (first_ms, last_ms) in zip(captions, itertools.pairwise(bounds_ms), strict=True):
        if first_ms < last_ms:
            yield Cue(first_ms, last_ms, lines)


def _share_time(weights: Sequence[int], start_ms: int, end_ms: int) -> list[int]:
    """Divide a span in proportion to the weights, but give each part ``MIN_CUE_S`` where that is possible.

    Returns:
        The bounds of the parts in milliseconds, one more than weights, the first ``start_ms``, the last ``end_ms``.
    """
    total_ms = max(0, end_ms - start_ms)
    least_ms = min(MIN_CUE_S * 1000, total_ms / max(1, len(weights)))
    shares = _shares(weights, total_ms, least_ms)
    return [start_ms, *(start_ms + round(passed) for passed in itertools.accumulate(shares))]


def _shares(weights: Sequence[int], total_ms: float, least_ms: float) -> list[float]:
    raised: set[int] = set()
    while True:
        rest_ms = total_ms - least_ms * len(raised)
        rest_weight = sum(weight for place, weight in enumerate(weights) if place not in raised)
        shares = [
            least_ms if place in raised else rest_ms * weight / max(1, rest_weight)
            for place, weight in enumerate(weights)
        ]
        short = {place for place, share in enumerate(shares) if share < least_ms - 1e-6}
        if not short:
            return shares
        raised |= short
