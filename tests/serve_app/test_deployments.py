"""How the ingress asks replicas: one that dies is asked for again, nothing is told twice. The handles are fakes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray.serve")

from ray.exceptions import ActorDiedError
from ray.serve.exceptions import BackPressureError

from narrator_ray.narration.job import ClipLabels, ClipResult
from serve_app.deployments import RemoteEncoder, RemoteNarrator
from serve_app.problems import Problem
from tests.stages.fakes import work_item

FULL = BackPressureError(num_queued_requests=9, max_queued_requests=8)


def story(name: str = "film") -> list[ClipLabels | ClipResult]:
    """What a replica tells of two clips."""
    told: list[ClipLabels | ClipResult] = []
    for index in range(2):
        told.append(ClipLabels(name, index, (), "generated"))
        told.append(ClipResult(name, index, (), "generated", f"clip {index}", 2, 50))
    return told


class Stream:
    """A replica's answer: some events, then an error, if there is one.

    Attributes:
        is_cancelled: Whether it was given up.
    """

    def __init__(self, events: list[Any], error: Exception | None = None) -> None:
        self.is_cancelled = False
        self._events = events
        self._error = error

    async def __aiter__(self) -> AsyncIterator[Any]:
        for event in self._events:
            await asyncio.sleep(0)
            yield event
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """As of a response."""
        self.is_cancelled = True


class Handle:
    """A deployment whose replicas give these answers, one after another."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.narrate = SimpleNamespace(remote=lambda *_: self.answers.pop(0))
        self.encode = SimpleNamespace(remote=self._unary)

    def options(self, stream: bool) -> "Handle":
        """As of a handle."""
        assert stream
        return self

    async def _unary(self, *_: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def told_by(*answers: Stream) -> list[Any]:
    """What the ingress hears."""

    async def listen() -> list[Any]:
        return [event async for event in RemoteNarrator(Handle(*answers)).narrate(work_item("film"), None)]

    return asyncio.run(listen())


def test_a_narrator_that_dies_is_asked_for_again() -> None:
    """By what has not been told yet; the dead one's answer is given up."""
    dead = Stream(story()[:3], ActorDiedError())
    assert told_by(Stream(story())) == story()
    assert told_by(dead, Stream(story())) == story()
    assert dead.is_cancelled


def test_a_narrator_that_dies_every_time_is_given_up() -> None:
    """With an answer that says to try again."""
    with pytest.raises(Problem) as caught:
        told_by(*(Stream(story()[:1], ActorDiedError()) for _ in range(3)))
    assert (int(caught.value.status), caught.value.code) == (503, "unavailable")


def test_too_much_at_once_is_said() -> None:
    """By encoder and narrator."""
    with pytest.raises(Problem) as caught:
        told_by(Stream([], FULL))
    assert int(caught.value.status) == 429
    with pytest.raises(Problem) as caught:
        asyncio.run(RemoteEncoder(Handle(FULL)).encode(work_item("film"), np.zeros(1, np.uint8)))
    assert caught.value.retry_after_s


def test_who_leaves_gives_the_answer_up() -> None:
    """And one that was heard to its end is left alone."""
    whole, left = Stream(story()), Stream(story())

    async def leave() -> None:
        async with aclosing(RemoteNarrator(Handle(left)).narrate(work_item("film"), None)) as events:
            await anext(events)

    asyncio.run(leave())
    assert told_by(whole)
    assert (left.is_cancelled, whole.is_cancelled) == (True, False)


def test_an_encoder_that_dies_is_asked_again() -> None:
    """Looking twice does no harm."""
    tokens = np.ones((1, 2, 3), np.float16)
    encoder = RemoteEncoder(Handle(ActorDiedError(), tokens))
    assert asyncio.run(encoder.encode(work_item("film"), np.zeros(1, np.uint8))) is tokens
