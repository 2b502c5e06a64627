"""The last word of answers that Serve breaks off: middleware for Serve's HTTP proxies.

A proxy passes on what an ingress replica answers. When that replica dies, Serve ends the answer where it is, without
the event that ends a stream; where nothing was said yet it answers in plain text. Proxies with this middleware end
streams with the event ``error`` and answer with a problem document, as the ingress itself would. They look for it in
their environment, which they have from the process that starts their node:

    RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=serve_app.proxy:middlewares
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.answers import STREAM_TYPE, problem_response
from serve_app.events import server_sent
from serve_app.headers import SECURITY_HEADERS
from serve_app.problems import Problem, busy, unavailable

_PLAIN_TYPE = "text/plain"
_BROKEN_OFF = "the process that answered has ended, and this answer with it: send the request again"
_SERVES_OWN: Mapping[int, Problem] = {
    HTTPStatus.TOO_MANY_REQUESTS: busy("more requests wait for an ingress than may (ingress.most_queued)"),
    HTTPStatus.SERVICE_UNAVAILABLE: unavailable("no ingress answers at the moment"),
    HTTPStatus.INTERNAL_SERVER_ERROR: unavailable(_BROKEN_OFF),
}
"""What Serve's own answers mean, which are in plain text; errors of the ingress never are."""


def middlewares() -> list[Middleware]:
    """What every proxy puts around its answers; asked for by Serve."""
    return [Middleware(LastWord)]


class LastWord:
    """ASGI middleware that ends answers which were broken off.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and end its answer if nobody else does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        await self._app(scope, receive, answer.send)
        if answer.problem is not None:
            response = problem_response(answer.problem)
            response.headers.update(SECURITY_HEADERS)
            await response(scope, receive, send)
        elif answer.is_open_stream:
            await send({"type": "http.response.body", "body": server_sent(unavailable(_BROKEN_OFF))})


class _Answer:
    """How far an answer is.

    Attributes:
        problem: What is to be said instead of it, if so: before anything is said, that nobody answered.
        is_open_stream: Whether it is an event stream whose end was not sent.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.problem: Problem | None = unavailable(_BROKEN_OFF)
        self.is_open_stream = False

    async def send(self, message: Message) -> None:
        """Send a part of it, unless something else is to be said."""
        if message["type"] == "http.response.start":
            content_type = Headers(raw=message["headers"]).get("content-type", "")
            is_serves_own = content_type.startswith(_PLAIN_TYPE)
            self.problem = _SERVES_OWN.get(message["status"]) if is_serves_own else None
            self.is_open_stream = content_type.startswith(STREAM_TYPE)
        elif message["type"] == "http.response.body":
            self.is_open_stream = self.is_open_stream and message.get("more_body", False)
        if self.problem is None:
            await self._send(message)
