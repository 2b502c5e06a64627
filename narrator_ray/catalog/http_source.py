"""A video file behind an HTTP URL: what the server says of its version, and its bytes in pieces.

Only http and https are spoken, redirects included: a redirect to any other scheme is an error. Hosts must have public
addresses unless private ones are allowed. Errors are OSError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import cast
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from narrator_ray.catalog.public_connection import AddressRefused, PublicHTTPHandler, PublicHTTPSHandler

TIMEOUT_S = 30.0
CHUNK_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 16
_URL_CHARACTERS = "%/:=&?~#+!$,;'@()*[]"
_USER_AGENT = "narrator-ray"
_GONE = frozenset({404, 410})
_FORBIDDEN = frozenset({401, 403})


def http_version(url: str, allow_private: bool = False) -> str:
    """What identifies the current contents of the URL: a hash of the URL and the server's validators.

    The URL is part of it because servers make their ETags unique for one URL only. A server that gives neither ETag nor
    Last-Modified is identified by its first 64 KiB and its Content-Length.

    Raises:
        OSError: The server does not answer or answers with an error.
    """
    with _explained():
        headers = _headers(url, allow_private)
        validator = headers.get("ETag") or headers.get("Last-Modified") or _sample(url, allow_private)
    identity = repr([url, validator, headers.get("Content-Length")])
    return "http-" + hashlib.sha256(identity.encode()).hexdigest()[:32]


def http_chunks(url: str, allow_private: bool = False) -> Iterator[bytes]:
    """The body in pieces of at most 1 MiB.

    Raises:
        AddressRefused: The host, or one that it redirects to, has no public address and private ones are not allowed.
        OSError: The server does not answer, answers with an error, or ends before the length it announced.
    """
    with _explained(), _open(url, "GET", allow_private) as response:
        announced = response.headers.get("Content-Length")
        num_bytes = 0
        while chunk := response.read1(CHUNK_BYTES):  # what is there: who waits can give up a server that trickles
            num_bytes += len(chunk)
            yield chunk
        if announced is not None and num_bytes != int(announced):
            raise ConnectionError(f"the connection ended after {num_bytes} of {announced} bytes")


def _headers(url: str, allow_private: bool) -> Message:
    """The headers of the URL; servers and signed URLs that refuse HEAD are asked with GET, whose body is not read."""
    try:
        with _open(url, "HEAD", allow_private) as response:
            return response.headers
    except HTTPError as error:
        error.close()
        if error.code in _GONE:
            raise
    with _open(url, "GET", allow_private) as response:
        return response.headers


def _sample(url: str, allow_private: bool) -> str:
    with _open(url, "GET", allow_private) as response:
        return hashlib.sha256(response.read(_SAMPLE_BYTES)).hexdigest()


def _open(url: str, method: str, allow_private: bool) -> HTTPResponse:
    opener = OpenerDirector()
    transports = (
        (ProxyHandler(), HTTPHandler(), HTTPSHandler())
        if allow_private
        else (PublicHTTPHandler(), PublicHTTPSHandler())
    )
    for handler in (
        *transports,
        UnknownHandler(),
        HTTPDefaultErrorHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    escaped = quote(url, safe=_URL_CHARACTERS)
    request = Request(escaped, method=method, headers={"User-Agent": _USER_AGENT})  # noqa: S310  only http(s) handlers
    return cast(HTTPResponse, opener.open(request, timeout=TIMEOUT_S))


@contextmanager
def _explained() -> Iterator[None]:
    """Raise everything that can go wrong on the way as OSError with a message for people."""
    try:
        yield
    except HTTPError as error:
        error.close()
        said = f"the server answered {error.code} {error.reason}"
        if error.code in _GONE:
            raise FileNotFoundError(said) from error
        raise (PermissionError(said) if error.code in _FORBIDDEN else ConnectionError(said)) from error
    except URLError as error:
        if isinstance(error.reason, AddressRefused):
            raise error.reason from error
        raise ConnectionError(str(error.reason)) from error
    except (HTTPException, ValueError) as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from error
