"""How the fields of a manifest row are read: a raw JSON value in, a checked one out; here the plain ones.

Every reader takes a ``report(field, message)`` and calls it once for every problem; None comes back where a value
could not be made. None as a raw value means that the row does not have the field.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from narrator_ray.records import LANGUAGES, JsonDict, Language, Product

Report = Callable[[str, str], None]

MAX_ID_BYTES = 200
_HAN = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KIND_NAMES = {str: "text", bool: "true/false", int: "a number", float: "a number", list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a value that is given but cannot be read; no field accepts it.

    Attributes:
        what: What it is, for people ("a cell that is not JSON: ...").
    """

    what: str


def nearest(name: str, names: Iterable[str]) -> str:
    """The known name most like a misspelt one."""
    return difflib.get_close_matches(name, list(names), n=1, cutoff=0.0)[0]


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    if isinstance(value, Unreadable):
        return value.what
    return "nothing" if value is None else _KIND_NAMES.get(type(value), f"a {type(value).__name__}")


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Whether a raw value is a list (a tuple, where a table's reader made one)."""
    return isinstance(value, list | tuple)


def read_text(value: object, field: str, report: Report) -> str | None:
    """Text with something in it, blanks at both ends removed."""
    if not isinstance(value, str):
        report(field, f"expected text, got {kind_of(value)}")
        return None
    text = value.strip()
    if not text:
        report(field, "is empty")
        return None
    return text


def read_id(value: object, report: Report) -> str | None:
    """A video's id: text or a whole number. Exported files are named after it."""
    if value is None:
        report("video_id", "is missing: every row needs a unique id")
        return None
    if not isinstance(value, str | int) or isinstance(value, bool):
        report("video_id", f"expected text or a whole number, got {kind_of(value)}")
        return None
    video_id = str(value)
    problem = _id_problem(video_id)
    if problem:
        report("video_id", problem)
    return None if problem else video_id


def _id_problem(video_id: str) -> str:
    if not video_id.strip():
        return "is empty: every row needs a unique id"
    if len(video_id.encode()) > MAX_ID_BYTES:
        return f"has {len(video_id.encode())} bytes, at most {MAX_ID_BYTES} are possible: files are named after it"
    if "/" in video_id or video_id in (".", "..") or video_id != video_id.strip() or has_control(video_id):
        return f"{video_id!r} cannot name a file: leave out '/', control characters and blanks at the ends"
    return ""


def read_language(value: object, product: Product | None, report: Report) -> Language | None:
    """The language as given; else Chinese if the product's name or knowledge holds Chinese characters, else English."""
    if value is None:
        texts = [] if product is None else [product.name, *(f"{p.category} {p.point}" for p in product.knowledge)]
        return "zh" if any(map(_HAN.search, texts)) else "en"
    for language in LANGUAGES:
        if value == language:
            return language
    report("language", f"{value!r} is not known: give zh or en, or leave it out")
    return None


def read_extra(value: object, report: Report) -> JsonDict:
    """Whatever else belongs to the row, handed through: an object of JSON values."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        report("extra", f"expected an object, got {kind_of(value)}")
        return {}
    _check_json(value, "extra", report)
    return value


def _check_json(value: object, field: str, report: Report) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_json(inner, f"{field}.{name}", report)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_json(inner, f"{field}[{index}]", report)
    elif isinstance(value, float) and not math.isfinite(value):
        report(field, f"{value} is not a JSON value: leave it out or give a number")
    elif not (value is None or isinstance(value, str | int | float)):
        report(field, f"{kind_of(value)} is not a JSON value: store it as text")


def has_control(text: str) -> bool:
    """Whether control characters (line ends, tabs, NUL ...) stand in a text."""
    return any(unicodedata.category(character) == "Cc" for character in text)
