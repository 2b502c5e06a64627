"""What the OpenAPI document says where FastAPI cannot see it: the multipart body, its answers, and errors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from serve_app.answers import JSON_TYPE, SUBTITLE_TYPES, TYPES
from serve_app.problems import PROBLEM_TYPE

_TEXT = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "errors"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable name of what is wrong, for programs."},
        "detail": {"type": "string", "description": "What is wrong and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": _TEXT, "message": _TEXT},
            },
        },
    },
}
_STATUSES = {
    400: "The body is broken or ends early.",
    401: "No API key, or a wrong one.",
    403: "Not from this machine, or from another site's page.",
    404: "There is no such adapter or path.",
    405: "The path does not know this method.",
    406: "None of the types in Accept is given.",
    408: "The upload took too long.",
    413: "The video or the texts are too large or too long.",
    415: "Not multipart/form-data, or no video.",
    422: "Fields are missing or wrong, or the video cannot be narrated.",
    429: "More than this key may ask, or than there is room for; Retry-After says when to try again.",
    500: "Something went wrong that is not the request's fault.",
    503: "A part of the server does not answer.",
    504: "It took too long.",
}


def _answered_as(description: str, *media_types: str) -> dict[str, Any]:
    """An answer in one of these forms: an object as JSON, else text."""
    schemas = {name: {"type": "object"} if name == JSON_TYPE else _TEXT for name in media_types}
    return {"200": {"description": description, "content": {name: {"schema": own} for name, own in schemas.items()}}}


PROBLEM_DOCUMENTS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {PROBLEM_TYPE: {"schema": _PROBLEM}}}
    for status, description in _STATUSES.items()
}
"""Every error there is."""

NARRATIONS_DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["product"],
                    "additionalProperties": False,
                    "properties": {
                        "video": {"type": "string", "format": "binary", "description": "The video file."},
                        "video_url": {
                            "type": "string",
                            "description": "Its http(s) address in place of the file, where /v1/models says so.",
                        },
                        "product": {
                            "type": "string",
                            "description": 'JSON: {"name", "knowledge": {category: [points]}}; or just the name.',
                        },
                        "clips": {"type": "string", "description": "JSON: [[start_s, end_s], ...]; found if left out."},
                        "storyline": {
                            "type": "string",
                            "description": "JSON: the script labels of each clip, null where the model chooses.",
                        },
                        "language": {"type": "string", "enum": ["en", "zh", ""]},
                        "windows": {
                            "type": "string",
                            "description": "JSON: [[lowest, highest], ...] words (en) or characters (zh) of each clip.",
                        },
                        "adapter": {"type": "string", "description": "Name of a LoRA adapter of this server."},
                        "seed": {"type": "string", "description": "A whole number; equal seeds give equal texts."},
                    },
                }
            }
        },
    },
    "responses": _answered_as("The narrations.", *TYPES),
}
"""The body and the answers of POST /v1/narrations."""

RESULT_DOCUMENT: dict[str, Any] = {"responses": _answered_as("The narrations.", JSON_TYPE, *SUBTITLE_TYPES)}
"""The answers of GET /v1/narrations/{name}."""

SUBTITLES_DOCUMENT: dict[str, Any] = {"responses": _answered_as("The subtitle file.", *SUBTITLE_TYPES)}
"""The answers of POST /v1/subtitles."""

JOBS_DOCUMENT: dict[str, Any] = {"requestBody": NARRATIONS_DOCUMENT["requestBody"]}
"""The body of POST /v1/jobs."""


def json_document(kind: type[BaseModel]) -> dict[str, Any]:
    """A JSON body of that kind."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": inlined(kind)}}}}


def inlined(kind: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model, with what it refers to written where it is used."""
    schema = kind.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict) and "$ref" in node:
            return resolve(definitions[node["$ref"].rpartition("/")[2]])
        if isinstance(node, dict):
            return {name: resolve(value) for name, value in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema)
    return resolved
