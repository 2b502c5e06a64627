"""What goes wrong with a request: application/problem+json (RFC 9457), a stable code, the field and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from narrator_ray.errors import ItemError, RejectReason
from narrator_ray.records import JsonDict

PROBLEM_TYPE = "application/problem+json"

_STATUS_OF: Mapping[RejectReason, HTTPStatus] = {
    RejectReason.VIDEO_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RejectReason.VIDEO_TOO_LONG: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RejectReason.OUT_OF_MEMORY: HTTPStatus.SERVICE_UNAVAILABLE,
    RejectReason.WORKER_DIED: HTTPStatus.SERVICE_UNAVAILABLE,
    RejectReason.GENERATION_FAILED: HTTPStatus.INTERNAL_SERVER_ERROR,
    RejectReason.UNEXPECTED: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_FIELD_OF: Mapping[RejectReason, str] = {
    RejectReason.CLIPS_OUTSIDE_VIDEO: "clips",
    RejectReason.NO_LENGTH_WINDOW: "windows",
    RejectReason.PROMPT_TOO_LONG: "product",
}
BUSY_S = 5
"""Seconds after which more may be asked of who is busy, where nothing better is known."""
_HIDDEN = "something went wrong here, not with the request: try again; the log of the server says more"
"""Shown in place of what an error that was not foreseen says."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with a request.

    Attributes:
        field: Dotted path of the field, such as ``clips[2].start_s``; empty for the request as a whole.
        message: What is wrong and what to do.
    """

    field: str
    message: str

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {"field": self.field, "message": self.message}


class Problem(Exception):
    """A request that cannot be answered as it was asked.

    Attributes:
        status: HTTP status.
        code: Stable name of what is wrong, for programs.
        detail: What is wrong and what to do, for people.
        errors: Every problem by field.
        retry_after_s: Seconds after which it is worth another try, if so.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(status, code, detail, tuple(errors), retry_after_s)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s

    def to_json(self) -> JsonDict:
        """The body of the answer."""
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
            "errors": [error.to_json() for error in self.errors],
        }

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer beside its type."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


def invalid_request(errors: Sequence[FieldProblem]) -> Problem:
    """Fields that are missing or wrong, all of them."""
    fields = ", ".join(dict.fromkeys(error.field for error in errors if error.field)) or "the request"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", f"cannot be used as given: {fields}", errors)


def busy(detail: str, retry_after_s: int = BUSY_S) -> Problem:
    """More is asked for than can be done at once."""
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", detail, retry_after_s=retry_after_s)


def unavailable(detail: str, retry_after_s: int = 5) -> Problem:
    """A part of the server does not answer at the moment."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, retry_after_s=retry_after_s)


def timed_out(seconds: float) -> Problem:
    """A request took longer than it may."""
    detail = f"not done after {seconds:g} s (limits.request_timeout_s): send a shorter video, or try again later"
    return Problem(HTTPStatus.GATEWAY_TIMEOUT, "timeout", detail, retry_after_s=30)


def internal_error() -> Problem:
    """An error that nobody foresaw; what it says stays in the log."""
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", _HIDDEN)


def problem_of(error: ItemError, field: str | None = None) -> Problem:
    """What a video that was rejected is to a client: the same closed list of reasons, as codes.

    Args:
        error: Why it was rejected.
        field: Field of the request that is at fault; by default the reason tells.
    """
    status = _STATUS_OF.get(error.reason, HTTPStatus.UNPROCESSABLE_ENTITY)
    detail = _HIDDEN if status is HTTPStatus.INTERNAL_SERVER_ERROR else error.detail
    at_fault = field or _FIELD_OF.get(error.reason, "video")
    errors = [] if status >= HTTPStatus.INTERNAL_SERVER_ERROR else [FieldProblem(at_fault, detail)]
    return Problem(status, str(error.reason), detail, errors)
