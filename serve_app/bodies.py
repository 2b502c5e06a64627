"""JSON bodies: read as far as they may be long, and checked."""

from __future__ import annotations

from http import HTTPStatus
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from serve_app.problems import FieldProblem, Problem, invalid_request

_Body = TypeVar("_Body", bound=BaseModel)


async def read_body(request: Request, kind: type[_Body], max_bytes: int) -> _Body:
    """The body of a request.

    Raises:
        Problem: It is too long, no JSON, or not of that kind.
    """
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > max_bytes:
            detail = f"the body is longer than {max_bytes >> 10} KiB (limits.max_text_kb)"
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
    try:
        return kind.model_validate_json(bytes(data))
    except ValidationError as error:
        problems = [FieldProblem(_path_of(item["loc"]), item["msg"]) for item in error.errors(include_url=False)]
        raise invalid_request(problems) from error


def _path_of(location: tuple[int | str, ...]) -> str:
    """Where a value stands in a body, as ``clips[2].start_s``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".")
