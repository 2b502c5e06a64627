"""How a narration is answered: in one piece as JSON, SRT or WebVTT, or as a stream of events. Knows no paths."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from http import HTTPStatus

from fastapi.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from narrator_ray.outputs.subtitles import SubtitleFormat, subtitles
from narrator_ray.records import NarratedVideo
from serve_app.events import Done, Event, result_json, server_sent
from serve_app.problems import PROBLEM_TYPE, Problem, internal_error, timed_out

STREAM_TYPE = "text/event-stream"
JSON_TYPE = "application/json"
TYPE_OF_FORMAT: Mapping[SubtitleFormat, str] = {"srt": "application/x-subrip", "vtt": "text/vtt"}
SUBTITLE_TYPES: Mapping[str, SubtitleFormat] = {name: format for format, name in TYPE_OF_FORMAT.items()}
RESULT_TYPES = (JSON_TYPE, *SUBTITLE_TYPES)
"""Media types of a result; the first where the client does not care."""
TYPES = (JSON_TYPE, STREAM_TYPE, *SUBTITLE_TYPES)
"""Media types of a narration, likewise."""
HEARTBEAT_S = 10.0
"""A stream that has nothing to tell says so this often, or proxies would close it."""
_HEARTBEAT = b": still at work\n\n"
_LOG = logging.getLogger(__name__)


def wanted_type(accept: str | None, types: Sequence[str] = TYPES) -> str:
    """The media type of these that an Accept header wants most.

    Raises:
        Problem: It wants none of them.
    """
    ranges = [_media_range(item) for item in (accept or "*/*").split(",")]
    for wanted, _ in sorted(ranges, key=lambda item: -item[1]):
        for own in types:
            if wanted in (own, "*/*", f"{own.partition('/')[0]}/*"):
                return own
    detail = f"none of the types in Accept is given here: ask for one of {', '.join(types)}"
    raise Problem(HTTPStatus.NOT_ACCEPTABLE, "not_acceptable", detail)


def _media_range(item: str) -> tuple[str, float]:
    """A media range, and how much it is wanted."""
    name, *parameters = (part.strip() for part in item.split(";"))
    quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return name.lower(), float(quality)
    except ValueError:
        return name.lower(), 0.0


def result_response(result: NarratedVideo, media_type: str) -> Response:
    """A whole result as JSON or subtitles."""
    if media_type in SUBTITLE_TYPES:
        text = subtitles(result.narrations, result.language, SUBTITLE_TYPES[media_type])
        return Response(text.encode(), media_type=media_type)
    return JSONResponse(result_json(result))


def problem_response(problem: Problem) -> Response:
    """What is wrong with a request."""
    return JSONResponse(problem.to_json(), problem.status, problem.headers, PROBLEM_TYPE)


class HeldResponse(Response):
    """An answer that needs something (a file, a place) as long as it is being sent.

    Args:
        held: Gives the answer; left when it has been sent, or the client has gone.
    """

    def __init__(self, held: AbstractAsyncContextManager[Response]) -> None:
        super().__init__()
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        async with self._held as response:
            await response(scope, receive, send)


async def result_of(events: AsyncGenerator[Event], timeout_s: float) -> NarratedVideo:
    """The result at the end of a video's way.

    Raises:
        Problem: There is none.
    """
    async with aclosing(_watched(events, timeout_s)) as watched:
        async for event in watched:
            if isinstance(event, Problem):
                raise event
            if isinstance(event, Done):
                return event.result
    raise internal_error()


async def stream_of(events: AsyncGenerator[Event], timeout_s: float) -> AsyncGenerator[bytes]:
    """A video's way as an event stream; what goes wrong is its last event."""
    async with aclosing(_watched(events, timeout_s)) as watched:
        async for event in watched:
            yield _HEARTBEAT if event is None else server_sent(event)


async def _watched(events: AsyncGenerator[Event], timeout_s: float) -> AsyncGenerator[Event | Problem | None]:
    """Events as they come, None after a while without any, and last, if so, what went wrong.

    Closing it, or cancelling who waits for it, gives up the video.
    """
    arrived: asyncio.Queue[Event | Problem | None] = asyncio.Queue()

    async def follow() -> None:
        try:
            async with asyncio.timeout(timeout_s), aclosing(events):
                async for event in events:
                    arrived.put_nowait(event)
        except TimeoutError:
            arrived.put_nowait(timed_out(timeout_s))
        except Problem as problem:
            arrived.put_nowait(problem)

    following = asyncio.create_task(follow())
    try:
        while not (following.done() and arrived.empty()):
            waiting = asyncio.ensure_future(arrived.get())
            try:
                done, _ = await asyncio.wait(
                    {waiting, following}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                has_arrived = waiting.done()
                if not has_arrived:
                    waiting.cancel()
            if has_arrived:
                yield waiting.result()
            elif not done:
                yield None
        if (unforeseen := following.exception()) is not None:  # nothing of it leaves but the log
            _LOG.error("a narration failed", exc_info=unforeseen)
            yield internal_error()
    finally:
        following.cancel()
        await asyncio.wait({following})
