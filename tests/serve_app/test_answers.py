"""Answers: the form that is asked for, streams that stay alive, and ends of every kind."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from serve_app import answers
from serve_app.answers import result_of, stream_of, wanted_type
from serve_app.events import Accepted, Event
from serve_app.problems import Problem, busy
from tests.serve_app.ground import events_of

ACCEPTED = Accepted("id", "tiny-random", 5)


class Watched:
    """A video's way that ends as it is told.

    Attributes:
        has_ended: Whether it was left, by itself or by others.
    """

    def __init__(self, error: Exception | None = None, pause_s: float = 0.0) -> None:
        self.has_ended = False
        self._error = error
        self._pause_s = pause_s

    async def events(self) -> AsyncGenerator[Event, None]:
        try:
            yield ACCEPTED
            await asyncio.sleep(self._pause_s)
            if self._error is not None:
                raise self._error
            yield ACCEPTED
        finally:
            self.has_ended = True


def streamed(way: Watched, timeout_s: float = 30.0) -> str:
    """The whole stream."""

    async def run() -> bytes:
        return b"".join([piece async for piece in stream_of(way.events(), timeout_s)])

    return asyncio.run(run()).decode()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("text/vtt;q=0.5, application/x-subrip", "application/x-subrip"),
        ("image/png, text/vtt;q=0.1", "text/vtt"),
        ("text/*", "text/event-stream"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
    ],
)
def test_the_wanted_type(accept: str | None, expected: str) -> None:
    """What clients send, browsers included."""
    assert wanted_type(accept) == expected


def test_what_goes_wrong_is_the_last_event() -> None:
    """What was foreseen with its code; what was not without a word of it."""
    for error, code in ((busy("full"), "too_many_requests"), (ValueError("secret"), "internal_error")):
        way = Watched(error)
        (first, _), (name, data) = events_of(streamed(way))
        assert (first, name, json.loads(data)["code"]) == ("accepted", "error", code)
        assert "secret" not in data
        assert way.has_ended


def test_a_way_that_takes_too_long_is_given_up() -> None:
    """The stream ends with an error; in one piece the answer is one."""
    way = Watched(pause_s=60)
    assert json.loads(events_of(streamed(way, 0.05))[-1][1])["code"] == "timeout"
    assert way.has_ended
    way = Watched(pause_s=60)
    with pytest.raises(Problem) as caught:
        asyncio.run(result_of(way.events(), 0.05))
    assert (int(caught.value.status), way.has_ended) == (504, True)


def test_a_silent_stream_says_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """By comments, which clients skip."""
    monkeypatch.setattr(answers, "HEARTBEAT_S", 0.05)
    text = streamed(Watched(pause_s=0.3))
    assert 2 <= text.count(": still at work\n\n") <= 6
    assert [name for name, _ in events_of(text)] == ["accepted", "accepted"]


def test_a_client_that_leaves_ends_the_way() -> None:
    """Whether the stream is closed or who sends it is cancelled; at once."""

    async def leave(is_cancelled: bool) -> Watched:
        way = Watched(pause_s=60)
        stream = stream_of(way.events(), 60)
        assert b"accepted" in await anext(stream)
        if is_cancelled:
            reading = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0.01)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        else:
            await stream.aclose()
        return way

    for is_cancelled in (True, False):
        assert asyncio.run(leave(is_cancelled)).has_ended


def test_an_answer_in_one_piece_that_is_given_up_ends_the_way() -> None:
    """As Serve cancels it when its client has gone."""

    async def leave() -> Watched:
        way = Watched(pause_s=60)
        asking = asyncio.create_task(result_of(way.events(), 60))
        await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        return way

    assert asyncio.run(leave()).has_ended
