"""Clients of the endpoint that ask for streams, and note when clips arrive and how each stream ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import aiohttp

from narrator_ray.catalog.manifest import read_manifest

Ending = Literal["done", "error", "refused", "cut off", "no answer"]
"""With `done`; with an error event; answered with an error status; broken off without a last event; not answered."""
_WANTS_STREAM = {"Accept": "text/event-stream"}
_LONGEST_LINE = 1 << 22
_CONNECT_S = 30.0
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Film:
    """What a client sends.

    Attributes:
        video: The file.
        fields: The form's texts.
    """

    video: bytes
    fields: dict[str, str]

    def with_fields(self, **fields: str) -> Film:
        """The same with other texts."""
        return Film(self.video, self.fields | fields)


@dataclass(slots=True)
class Told:
    """What came of one request; times are those of the monotonic clock, in seconds.

    Attributes:
        sent_s: When it was sent.
        clips_s: When each clip's narration arrived.
        ended_s: When its stream ended; 0 before.
        ending: How.
        detail: Code of the error, or the error of the connection.
    """

    sent_s: float = field(default_factory=time.monotonic)
    clips_s: list[float] = field(default_factory=list)
    ended_s: float = 0.0
    ending: Ending = "no answer"
    detail: str = ""

    @property
    def first_clip_s(self) -> float:
        """Seconds until the first clip was here."""
        return self.clips_s[0] - self.sent_s

    @property
    def whole_s(self) -> float:
        """Seconds until the end."""
        return self.ended_s - self.sent_s


def films_of(manifest: Path) -> list[Film]:
    """Requests for the rows of a catalogue: what each row gives, the endpoint is given."""
    return [
        Film(
            Path(row.uri).read_bytes(),
            {
                "product": json.dumps(row.product.to_json()),
                "language": row.language,
                **_given("clips", row.clips and [[clip.start_s, clip.end_s] for clip in row.clips]),
                **_given("storyline", row.storyline),
            },
        )
        for row in read_manifest(str(manifest))
    ]


def _given(name: str, value: Any) -> dict[str, str]:
    return {} if value is None else {name: json.dumps(value)}


@asynccontextmanager
async def client_session(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Connections to the endpoint; each request has one of its own, as clients on many machines would."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(
        address, timeout=timeout, connector=connector, read_bufsize=_LONGEST_LINE
    ) as session:
        yield session


async def narrate(session: aiohttp.ClientSession, film: Film, told: Told | None = None) -> Told:
    """Ask for a film's narrations as a stream, and hear it to its end.

    Args:
        session: Connections.
        film: What to send.
        told: Filled in as events arrive, for who looks on meanwhile.
    """
    noted = told or Told()
    try:
        async with session.post("/v1/narrations", data=form_of(film), headers=_WANTS_STREAM) as answer:
            if answer.status == HTTPStatus.OK:
                noted.ending = "cut off"
                await _listen(answer, noted)
            else:
                noted.ending, noted.detail = "refused", str(answer.status)
    except aiohttp.ClientError as error:
        noted.detail = type(error).__name__
    finally:
        noted.ended_s = time.monotonic()
    return noted


async def _listen(answer: aiohttp.ClientResponse, noted: Told) -> None:
    name = ""
    async for line in answer.content:
        if line.startswith(b"event: "):
            name = line.removeprefix(b"event: ").strip().decode()
        if name == "narration" and line.startswith(b"data: "):
            noted.clips_s.append(time.monotonic())
        elif name == "done":
            noted.ending = "done"
        elif name == "error" and line.startswith(b"data: "):
            noted.ending, noted.detail = "error", json.loads(line.removeprefix(b"data: "))["code"]


def form_of(film: Film) -> aiohttp.FormData:
    """The multipart body."""
    form = aiohttp.FormData(film.fields)
    form.add_field("video", film.video, filename="film.mp4", content_type="video/mp4")
    return form


@dataclass(slots=True)
class Load:
    """Clients that ask without a pause.

    Attributes:
        told: What came of every request, those under way included.
        is_over: Nobody asks any more.
    """

    told: list[Told] = field(default_factory=list)
    is_over: bool = False

    @property
    def under_way(self) -> list[Told]:
        """Requests that have not ended."""
        return [told for told in self.told if not told.ended_s]

    @property
    def endings(self) -> list[Ending]:
        """How those ended that have."""
        return [told.ending for told in self.told if told.ended_s]

    async def ask(self, session: aiohttp.ClientSession, films: Sequence[Film]) -> None:
        """One of the clients; one that is not served waits a moment."""
        for film in cycle(films):
            if self.is_over:
                return
            self.told.append(Told())
            if (await narrate(session, film, self.told[-1])).ending != "done":
                await asyncio.sleep(_PAUSE_S)


@asynccontextmanager
async def under_load(session: aiohttp.ClientSession, films: Sequence[Film], num_clients: int) -> AsyncIterator[Load]:
    """So many clients inside the block, each beginning with another film; when it is left, all have been answered."""
    load = Load()
    async with asyncio.TaskGroup() as clients:
        for place in range(num_clients):
            clients.create_task(load.ask(session, [*films[place:], *films[:place]]))
        yield load
        load.is_over = True
