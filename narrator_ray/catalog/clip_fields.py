"""The fields of a manifest row that go clip by clip: clips, storyline, narrations, word ranges.

As in :mod:`narrator_ray.catalog.fields`, problems go to ``report(field, message)`` and None comes back where a value
could not be made or is not there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeGuard, TypeVar

from narrator_ray.catalog.fields import Report, is_list, kind_of, nearest, read_text
from narrator_ray.records import LANGUAGES, Clip, ScriptLabel, parse_label

_T = TypeVar("_T")
_Span = tuple[float, float]


def read_clips(value: object, report: Report) -> tuple[Clip, ...] | None:
    """Clips as ``{start_s, end_s}`` or ``[start, end]``: in order, without overlap, each longer than nothing."""
    if value is None:
        return None
    if not is_list(value):
        report("clips", f"expected a list of {{start_s, end_s}}, got {kind_of(value)}")
        return None
    if not value:
        report("clips", "is empty: leave it out to have the clips found")
        return None
    spans = [_span(item, f"clips[{index}]", report) for index, item in enumerate(value)]
    are_ordered = [_follows(spans, index, report) for index in range(1, len(spans))]
    if not all(are_ordered) or any(span is None for span in spans):
        return None
    return tuple(Clip(*span) for span in spans if span is not None)


def read_per_clip(
    value: object, field: str, clips: object, read_item: Callable[[object, str, Report], _T], report: Report
) -> tuple[_T, ...] | None:
    """A list with one entry per clip.

    Args:
        value: The raw list.
        field: Its name.
        clips: The raw clips of the row, right or wrong; their number must agree.
        read_item: Reads one entry.
        report: Takes the problems.
    """
    if value is None:
        return None
    if not is_list(value):
        report(field, f"expected a list with one entry per clip, got {kind_of(value)}")
        return None
    if clips is None:
        report(field, "needs clips: one entry belongs to one clip, and the row gives no clips")
    elif is_list(clips) and len(clips) != len(value):
        report(field, f"has {len(value)} entries, but there are {len(clips)} clips: give one per clip")
    return tuple(read_item(item, f"{field}[{index}]", report) for index, item in enumerate(value))


def read_labels(value: object, field: str, report: Report) -> tuple[ScriptLabel, ...] | None:
    """The script labels of one clip: a name, names joined by ``+``, a list of names, or None to leave the choice."""
    if value is None:
        return None
    names = list(value) if is_list(value) else value.split("+") if isinstance(value, str) else None
    if names is None:
        report(field, f"expected a label, a list of labels or null, got {kind_of(value)}")
        return None
    if not names:
        report(field, "is empty: give a label, or null to leave the choice to the model")
        return None
    labels = [_label(name, field, report) for name in names]
    return tuple(dict.fromkeys(label for label in labels if label is not None))


def read_word_range(value: object, field: str, report: Report) -> tuple[int, int]:
    """The length window of one clip, ``[lowest, highest]`` in words (en) or characters (zh)."""
    if not is_list(value) or len(value) != 2:
        report(field, "expected [lowest, highest]")
        return 1, 1
    low, high = value
    if not (_is_whole(low) and _is_whole(high)):
        report(field, f"expected two whole numbers, got {low!r} and {high!r}")
    elif not 1 <= low <= high:
        report(field, f"[{low}, {high}] is no window: 1 <= lowest <= highest must hold")
    else:
        return low, high
    return 1, 1


def read_narration(value: object, field: str, report: Report) -> str:
    """The reference narration of one clip."""
    return read_text(value, field, report) or ""


def _label(name: object, field: str, report: Report) -> ScriptLabel | None:
    text = read_text(name, field, report)
    if text is None:
        return None
    label = parse_label(text)
    if label is None:
        report(field, f"{text!r} is not a script label; nearest is `{_nearest_label(text)}`")
    return label


@lru_cache(maxsize=1024)
def _nearest_label(name: str) -> str:
    known = [form for label in ScriptLabel for form in (str(label), *(label.name_in(lang) for lang in LANGUAGES))]
    return nearest(name.lower(), known)


def _span(item: object, field: str, report: Report) -> _Span | None:
    if isinstance(item, Mapping):
        for unknown in item:
            if unknown not in ("start_s", "end_s"):
                message = f"no such field; nearest is `{nearest(str(unknown), ('start_s', 'end_s'))}`"
                report(f"{field}.{unknown}", message)
        ends = item.get("start_s"), item.get("end_s")
    elif is_list(item) and len(item) == 2:
        ends = item[0], item[1]
    else:
        report(field, f"expected {{start_s, end_s}} or [start, end], got {kind_of(item)}")
        return None
    start_s = _seconds(ends[0], f"{field}.start_s", report)
    end_s = _seconds(ends[1], f"{field}.end_s", report)
    if start_s is None or end_s is None:
        return None
    if end_s <= start_s:
        report(f"{field}.end_s", f"{end_s:g} is not after the clip's start at {start_s:g}")
        return None
    return start_s, end_s


def _seconds(value: object, field: str, report: Report) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        report(field, f"expected a number of seconds, got {kind_of(value)}")
        return None
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        report(field, f"{seconds} is not a finite number of seconds")
        return None
    if seconds < 0:
        report(field, f"{seconds:g} is negative: times are seconds from the start of the video")
        return None
    return abs(seconds)  # -0.0 would be another key than 0.0


def _follows(spans: Sequence[_Span | None], index: int, report: Report) -> bool:
    before, span = spans[index - 1], spans[index]
    if before is None or span is None or span[0] >= before[1]:
        return True
    what = "starts before" if span[0] < before[0] else "overlaps"
    message = (
        f"{what} clip {index - 1}, which is {before[0]:g} to {before[1]:g} s: order clips by time, without overlap"
    )
    report(f"clips[{index}].start_s", message)
    return False


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
