"""What a request asks for: its form fields checked by the same rules as a row of a catalogue, all problems at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from narrator_ray.catalog.columns import parse_json
from narrator_ray.catalog.fields import Report, nearest
from narrator_ray.catalog.rows import read_row
from narrator_ray.config import Config
from narrator_ray.records import JsonDict, Language, Video
from serve_app.problems import FieldProblem, Problem, invalid_request

FIELDS = ("product", "clips", "storyline", "language", "windows", "adapter", "seed")
"""Fields of the form beside the video."""
_JSON_FIELDS = ("clips", "storyline", "windows")
_HIGHEST_SEED = 2**53
HIGHEST_WINDOW = 400
"""Most words (en) or characters (zh) that can be asked for in one clip."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One video to narrate.

    Attributes:
        row: As in a catalogue.
        seed: Of the request's random choices; None: the server's.
    """

    row: Video
    seed: int | None

    def config(self, config: Config) -> Config:
        """The server's settings with what the request changes of them."""
        if self.seed is None:
            return config
        return config.model_copy(update={"decoding": config.decoding.model_copy(update={"seed": self.seed})})


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this server can be asked for.

    Attributes:
        languages: Languages that its model writes.
        adapters: Names of its adapters.
        max_clips: Most clips of a video.
    """

    languages: Collection[Language]
    adapters: Collection[str]
    max_clips: int


def read_asked(request_id: str, fields: Mapping[str, str], abilities: Abilities) -> Asked:
    """The form's fields, checked.

    Args:
        request_id: Becomes the video's id.
        fields: Texts by name; those that are empty count as not given, as browsers send them.
        abilities: What can be asked for.

    Raises:
        Problem: Fields are wrong or missing, all listed; or an adapter that there is not.
    """
    problems: list[FieldProblem] = []

    def report(field: str, message: str) -> None:
        problems.append(FieldProblem(_in_form(field), _in_form(message)))

    given = {name: text.strip() for name, text in fields.items() if text.strip()}
    for name in given:
        if name not in FIELDS:
            report(name, f"no such field; nearest is `{nearest(name, FIELDS)}`")
    values: dict[str, Any] = {name: _json(name, given[name], report) for name in _JSON_FIELDS if name in given}
    seed = _seed(given.get("seed"), report)
    data: JsonDict = {"video_id": request_id, "video": "/upload", "product": _product(given.get("product"), report)}
    data |= {name: values.get(name) for name in ("clips", "storyline")} | {"word_ranges": values.get("windows")}
    row = read_row(data | {"language": given.get("language"), "adapter": given.get("adapter")}, "/", report)
    if row is not None:
        _check_abilities(row, abilities, report)
    if row is None or problems:
        raise invalid_request(problems)
    if row.adapter is not None and row.adapter not in abilities.adapters:
        raise unknown_adapter(row.adapter, abilities)
    return Asked(row, seed)


def unknown_adapter(name: str, abilities: Abilities) -> Problem:
    """An adapter that this server does not have."""
    known = ", ".join(sorted(abilities.adapters)) or "none"
    detail = f"there is no such adapter; there are: {known}"
    return Problem(HTTPStatus.NOT_FOUND, "unknown_adapter", detail, [FieldProblem("adapter", detail)])


def _check_abilities(row: Video, abilities: Abilities, report: Report) -> None:
    if row.language not in abilities.languages:
        report("language", f"this server's model writes {', '.join(abilities.languages)}, not {row.language}")
    if row.clips is not None and len(row.clips) > abilities.max_clips:
        report("clips", f"has {len(row.clips)} entries; at most {abilities.max_clips} are narrated (limits.max_clips)")
    for index, (_, high) in enumerate(row.word_ranges or ()):
        if high > HIGHEST_WINDOW:
            report(f"windows[{index}]", f"goes up to {high}; at most {HIGHEST_WINDOW} can be asked for")


def _product(text: str | None, report: Report) -> Any:
    """A JSON object, or nothing but the name."""
    if text is None or not text.startswith("{"):
        return None if text is None else {"name": text}
    return _json("product", text, report)


def _json(name: str, text: str, report: Report) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        report(name, f"{error}: send it as JSON text")
        return None


def _seed(text: str | None, report: Report) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or int(text) > _HIGHEST_SEED:
        report("seed", f"expected a whole number from 0 to {_HIGHEST_SEED}")
        return None
    return int(text)


def _in_form(text: str) -> str:
    """Names of catalogue fields as the form has them."""
    return text.replace("word_ranges", "windows")
