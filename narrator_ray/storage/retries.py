"""Which failed requests to S3 are made again, and when: the one place that decides it.

Two kinds of failure: a request is not answered or answered with an error (:func:`needs_retry`), or the answer breaks
off while it is read (:func:`read_whole`).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from narrator_ray.config import StorageSettings

_T = TypeVar("_T")
_FIRST_WAIT_S = 0.5
_PASSING_STATUS = frozenset({429, 500, 502, 503, 504})
_PASSING_CODES = frozenset(
    {
        "BadDigest",
        "ConditionalRequestConflict",
        "IncompleteBody",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "XAmzContentSHA256Mismatch",
    }
)
_QUIET_ATTEMPTS = 3
_LOG = logging.getLogger(__name__)


def wait_s(settings: StorageSettings, num_failed: int, what: str) -> float | None:
    """Seconds until the next attempt, at random so that many workers do not come back at once; None: no more.

    Args:
        settings: How often, and the longest wait.
        num_failed: Attempts that have failed.
        what: What was tried and how it failed, for the log.
    """
    if num_failed >= settings.max_attempts:
        return None
    seconds = random.uniform(0, min(settings.longest_wait_s, _FIRST_WAIT_S * 2 ** (num_failed - 1)))
    level = logging.DEBUG if num_failed < _QUIET_ATTEMPTS else logging.INFO
    _LOG.log(level, "%s: attempt %d of %d; again in %.1f s", what, num_failed, settings.max_attempts, seconds)
    return seconds


def is_passing(answer: dict[str, Any]) -> bool:
    """Whether an answer of S3, as botocore parses it, is an error that may be gone at the next attempt."""
    if answer.get("Error", {}).get("Code") in _PASSING_CODES:
        return True
    return answer.get("ResponseMetadata", {}).get("HTTPStatusCode") in _PASSING_STATUS


def needs_retry(
    settings: StorageSettings, attempts: int, operation: Any, response: Any, caught_exception: Any, **_: Any
) -> float | None:
    """Answer to botocore's event ``needs-retry``: seconds until a request is made again, or None."""
    fault = _passing_fault(response, caught_exception)
    return None if fault is None else wait_s(settings, attempts, f"S3 {operation.name}: {fault}")


def read_whole(settings: StorageSettings, what: str, read: Callable[[], _T]) -> _T:
    """What ``read`` gives; it is called again where the answer to its request breaks off or has the wrong checksum.

    Args:
        settings: How often, and the longest wait.
        what: What is read, for the log.
        read: Makes one request and reads its answer to the end.
    """
    from aiohttp import ClientError as BrokenAnswer
    from botocore.exceptions import FlexibleChecksumError, IncompleteReadError, ResponseStreamingError
    from fsspec.exceptions import FSTimeoutError as SilentAnswer

    broken = (BrokenAnswer, SilentAnswer, FlexibleChecksumError, IncompleteReadError, ResponseStreamingError)
    num_failed = 0
    while True:
        try:
            return read()
        except broken as error:
            num_failed += 1
            seconds = wait_s(settings, num_failed, f"{what}: {type(error).__name__} {error}".rstrip())
            if seconds is None:
                raise
        time.sleep(seconds)


def _passing_fault(response: Any, caught: Any) -> str | None:
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError, SSLError

    if isinstance(caught, NoConnection | HTTPClientError) and not isinstance(caught, SSLError):
        return str(caught)
    if response is None or not is_passing(response[1]):
        return None
    return str(response[1].get("Error", {}).get("Code", "error"))
