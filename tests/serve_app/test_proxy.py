"""What clients hear when an answer is broken off behind Serve's proxy, whose part small ASGI applications play."""

import asyncio
import json
import threading

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from serve_app.answers import STREAM_TYPE
from serve_app.problems import PROBLEM_TYPE
from serve_app.proxy import LastWord, middlewares
from tests.serve_app.ground import events_of

FIRST = b'event: accepted\ndata: {"id": "a"}\n\n'


class Dies:
    """Serve's proxy when the ingress dies: it returns with nothing more said.

    Args:
        media_type: Type of the answer that it has begun; None: none.
    """

    def __init__(self, media_type: str | None) -> None:
        self._media_type = media_type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer half."""
        if self._media_type is not None:
            headers = [(b"content-type", f"{self._media_type}; charset=utf-8".encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": FIRST, "more_body": True})


def sent_by(app: Dies) -> list[dict]:
    """ASGI messages that leave the proxy."""
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    async def receive() -> dict:
        return {"type": "http.request"}

    asyncio.run(LastWord(app)({"type": "http"}, receive, send))
    return sent


def test_a_stream_that_is_broken_off_ends_with_an_error() -> None:
    """Which says what to do; what was told before stays."""
    _, first, last = sent_by(Dies(STREAM_TYPE))
    assert (first["body"], last.get("more_body", False)) == (FIRST, False)
    [(name, data)] = events_of(last["body"].decode())
    problem = json.loads(data)
    assert (name, problem["status"], problem["code"]) == ("error", 503, "unavailable")
    assert "again" in problem["detail"]


def test_an_answer_that_never_began_is_a_problem() -> None:
    """With its type, the usual headers, and when to try again."""
    answer = TestClient(LastWord(Dies(None))).get("/v1/models")
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM_TYPE)
    assert answer.json()["code"] == "unavailable"
    assert answer.headers["Retry-After"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_half_a_file_is_not_made_whole() -> None:
    """An error in JSON that breaks off would look like a part of it: the connection's end has to tell."""
    assert [message["type"] for message in sent_by(Dies("application/json"))] == [
        "http.response.start",
        "http.response.body",
    ]
    assert sent_by(Dies("application/json"))[-1]["more_body"]


@pytest.mark.parametrize(("status", "code"), [(429, "too_many_requests"), (503, "unavailable"), (500, "unavailable")])
def test_serves_own_answers_become_problems(status: int, code: str) -> None:
    """Serve itself says these in plain text; nothing of that text goes out."""
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("ray.serve: secret", status))])
    answer = TestClient(LastWord(app)).get("/")
    assert (answer.headers["content-type"], answer.json()["code"]) == (PROBLEM_TYPE, code)
    assert "secret" not in answer.text


def test_whole_answers_pass_as_they_are() -> None:
    """Streams that end, files, health checks of Serve and problems of the ingress."""
    parts = (FIRST, b"event: done\ndata: {}\n\n")
    routes = [
        Route("/stream", lambda request: StreamingResponse(iter(parts), media_type=STREAM_TYPE)),
        Route("/-/healthz", lambda request: PlainTextResponse("success")),
        Route("/problem", lambda request: JSONResponse({"code": "own"}, 429, {"Retry-After": "7"}, PROBLEM_TYPE)),
    ]
    plain = TestClient(Starlette(routes=routes))
    behind = TestClient(LastWord(Starlette(routes=routes)))
    for path in ("/stream", "/-/healthz", "/problem"):
        expected, answer = plain.get(path), behind.get(path)
        assert (answer.status_code, answer.content, answer.headers) == (
            expected.status_code,
            expected.content,
            expected.headers,
        )


def test_a_proxy_that_is_told_to_stop_stops() -> None:
    """A request that is cancelled says nothing more."""
    begun = threading.Event()
    sent = list[dict]()

    async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.sleep(60)

    async def run() -> None:
        async def send(message: dict) -> None:
            sent.append(message)

        task = asyncio.create_task(LastWord(hangs)({"type": "http"}, None, send))
        await asyncio.sleep(0)
        assert begun.is_set()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert not sent


def test_serve_finds_the_middleware() -> None:
    """By the name that the documents give."""
    from ray.serve._private.http_util import validate_http_proxy_callback_return
    from ray.serve._private.utils import call_function_from_import_path

    found = call_function_from_import_path("serve_app.proxy:middlewares")
    assert [item.cls for item in validate_http_proxy_callback_return(found)] == [LastWord]
    assert [item.cls for item in middlewares()] == [LastWord]
