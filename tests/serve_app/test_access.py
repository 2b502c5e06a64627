"""Who is let in: keys, this machine, other sites' pages, and how much at once."""

from contextlib import ExitStack

import pytest

from serve_app.access import LOCAL_CALLER, Gate
from serve_app.headers import SECURITY_HEADERS
from serve_app.problems import Problem
from serve_app.settings import Access
from tests.serve_app.ground import KEYS, Ground, endpoint

HERE = {"host": "localhost:8000"}


def refused(gate: Gate, headers: dict[str, str], peer: str | None = "127.0.0.1") -> tuple[int, str]:
    """How a caller is turned away."""
    with pytest.raises(Problem) as caught:
        gate.caller(headers, peer)
    return int(caught.value.status), caught.value.code


def test_keys_tell_callers() -> None:
    """In either header; from anywhere."""
    gate = Gate(Access(api_keys=KEYS), 8)
    assert gate.caller({"authorization": "Bearer key of north"}, "203.0.113.9") == "north"
    assert gate.caller({"x-api-key": "key of south"}, None) == "south"
    wrong = ({"x-api-key": "key of east"}, {"authorization": "Basic key of north"}, {"x-api-key": KEYS["north"]})
    for headers in ({}, *wrong):
        assert refused(gate, HERE | headers) == (401, "unauthorized")


def test_without_keys_only_this_machine_is_served() -> None:
    """By its own names only: a page whose name was made to lead here is of another site."""
    gate = Gate(Access(), 8)
    for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost"):
        assert gate.caller({"host": host}, "127.0.0.1") == LOCAL_CALLER
    assert refused(gate, HERE, "192.0.2.7") == (403, "local_only")
    assert refused(gate, HERE, None) == (403, "local_only")
    assert refused(gate, {"host": "evil.example:8000"}) == (403, "local_only")
    assert refused(gate, {}) == (403, "local_only")


def test_pages_of_other_sites_may_not_ask() -> None:
    """Unless they are allowed; the own page may."""
    gate = Gate(Access(allow_origins=("https://shop.example",)), 8)
    assert gate.caller(HERE | {"origin": "http://localhost:8000"}, "127.0.0.1") == LOCAL_CALLER
    assert gate.caller(HERE | {"origin": "https://shop.example"}, "127.0.0.1") == LOCAL_CALLER
    for origin in ("https://evil.example", "null", "http://localhost:3000"):
        assert refused(gate, HERE | {"origin": origin}) == (403, "foreign_origin")


def test_so_many_at_once() -> None:
    """For each key and for all; a place is free again however it was left."""
    gate = Gate(Access(max_concurrent=2), max_requests=3)
    with ExitStack() as places:
        for caller in ("north", "north", "south"):
            places.enter_context(gate.admitted(caller))
        for caller, limit in (("north", "max_uploads"), ("south", "max_uploads")):
            with pytest.raises(Problem, match=limit), gate.admitted(caller):
                pass
    with pytest.raises(KeyError), gate.admitted("north"):
        raise KeyError
    with gate.admitted("north"), gate.admitted("north"), pytest.raises(Problem, match="max_concurrent") as caught:
        places.enter_context(gate.admitted("north"))
    assert caught.value.retry_after_s


def test_so_many_a_minute() -> None:
    """Told when to come back; those who were turned away do not count."""
    now = [100.0]
    gate = Gate(Access(requests_per_minute=2), 8, clock=lambda: now[0])
    for _ in range(2):
        with gate.admitted("north"):
            now[0] += 10
    for _ in range(3):
        with pytest.raises(Problem) as caught, gate.admitted("north"):
            pass
    assert (int(caught.value.status), caught.value.retry_after_s) == (429, 40)
    with gate.admitted("south"):
        pass
    now[0] += 40
    with gate.admitted("north"):
        pass


def test_answers_over_http(ground: Ground, film: bytes) -> None:
    """Refusals are problems with Retry-After; every answer has the security headers, and no origin is allowed."""
    foreign = ground.client.get("/v1/models", headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    for path in ("/v1/models", "/nothing", "/", "/healthz"):
        headers = ground.client.get(path, headers={"Origin": "http://localhost:8000"}).headers
        assert all(name in headers for name in SECURITY_HEADERS)
        assert "access-control-allow-origin" not in headers
    with endpoint(access={"requests_per_minute": 1}) as narrow:
        assert narrow.narrate(film).status_code == 200
        answer = narrow.narrate(film)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["retry-after"]) > 0
    with endpoint(access={"api_keys": KEYS, "allow_origins": ["https://shop.example"]}) as locked:
        assert locked.narrate(film).status_code == 401
        assert locked.client.get("/healthz").status_code == 200
        origin = {"Origin": "https://shop.example"}
        answer = locked.client.get("/v1/models", headers={"X-API-Key": "key of north"} | origin)
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
