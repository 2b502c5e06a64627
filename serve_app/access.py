"""Who may ask, how often, and how much at once.

Keys are known by their SHA-256 only and compared in constant time. Without keys only clients on this machine are
served, and only under a name of this machine, so that no page of another site can ask in their name.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from serve_app.problems import Problem, busy
from serve_app.settings import Access

LOCAL_CALLER = "this machine"
_MINUTE_S = 60.0


@dataclass(slots=True)
class _Account:
    """What one caller did and does.

    Attributes:
        asked_s: When it asked within the last minute.
        num_at_work: Requests in work.
    """

    asked_s: deque[float] = field(default_factory=deque)
    num_at_work: int = 0


class Gate:
    """Lets requests in.

    Args:
        access: Keys and limits.
        max_requests: Requests of all callers in work at once.
        clock: Seconds.
    """

    def __init__(self, access: Access, max_requests: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._max_requests = max_requests
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._num_at_work = 0

    def caller(self, headers: Mapping[str, str], peer: str | None) -> str:
        """Name of who asks.

        Args:
            headers: Of the request, names in small letters.
            peer: Address that it came from.

        Raises:
            Problem: No key or a wrong one; without keys, not from this machine; from another site's page.
        """
        self._check_origin(headers)
        if not self._access.api_keys:
            if not (_is_loopback(peer) and _is_loopback(_host_of(headers.get("host", "")))):
                raise _not_local()
            return LOCAL_CALLER
        digest = hashlib.sha256(_key_in(headers).encode()).hexdigest()
        matches = [name for name, known in self._access.api_keys.items() if hmac.compare_digest(known, digest)]
        if not matches:
            raise _no_key()
        return matches[0]

    @contextmanager
    def admitted(self, caller: str) -> Iterator[None]:
        """A place for one narration.

        Raises:
            Problem: The caller, or all together, ask for too much.
        """
        account = self._accounts.setdefault(caller, _Account())
        if self._num_at_work >= self._max_requests:
            raise busy(f"{self._max_requests} requests are in work already (limits.max_uploads)")
        if account.num_at_work >= self._access.max_concurrent:
            raise busy(f"this key has {self._access.max_concurrent} requests in work (access.max_concurrent)")
        self._count(account)
        account.num_at_work += 1
        self._num_at_work += 1
        try:
            yield
        finally:
            account.num_at_work -= 1
            self._num_at_work -= 1

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        """A form on another site's page can send a request without asking; browsers say whose page it is."""
        origin = headers.get("origin")
        if origin is None or origin in self._access.allow_origins:
            return
        if urlsplit(origin).netloc != headers.get("host", ""):
            raise Problem(HTTPStatus.FORBIDDEN, "foreign_origin", "pages of other sites may not ask here")

    def _count(self, account: _Account) -> None:
        now_s = self._clock()
        while account.asked_s and account.asked_s[0] <= now_s - _MINUTE_S:
            account.asked_s.popleft()
        if len(account.asked_s) >= self._access.requests_per_minute:
            wait_s = max(1, math.ceil(account.asked_s[0] + _MINUTE_S - now_s))
            raise busy(f"this key may ask {self._access.requests_per_minute} times a minute", wait_s)
        account.asked_s.append(now_s)


def _key_in(headers: Mapping[str, str]) -> str:
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _host_of(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def _is_loopback(address: str | None) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def _no_key() -> Problem:
    detail = "give an API key of this server: `Authorization: Bearer KEY`, or `X-API-Key: KEY`"
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail)


def _not_local() -> Problem:
    detail = "without API keys (access.api_keys) only this machine itself is served, as localhost"
    return Problem(HTTPStatus.FORBIDDEN, "local_only", detail)
