"""What clients see: the paths and what each answers.

    POST /v1/narrations                       a video and its product -> narrations, in one piece or as events
    GET  /v1/narrations/ID                    the result again, as long as it is kept
    POST /v1/narrations/ID/clips/K:rewrite    one clip narrated anew
    POST /v1/jobs                             a video and its product, for who does not wait
    GET  /v1/jobs/ID                          how far it is
    POST /v1/jobs/ID:cancel                   it is not wanted any more
    POST /v1/lengths                          texts -> words and spoken seconds
    POST /v1/subtitles                        texts with times -> SRT or WebVTT
    GET  /v1/models                           what can be asked for
    GET  /healthz, /readyz                    is it alive, can it narrate
    GET  /                                    the page

Knows no Ray.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from narrator_ray import __version__
from narrator_ray.model.presets import Preset
from narrator_ray.records import LANGUAGES, JsonDict, ScriptLabel
from serve_app.access import Gate
from serve_app.answers import (
    RESULT_TYPES,
    STREAM_TYPE,
    TYPE_OF_FORMAT,
    HeldResponse,
    problem_response,
    result_of,
    result_response,
    stream_of,
    wanted_type,
)
from serve_app.asked import Abilities, Asked, read_asked
from serve_app.bodies import read_body
from serve_app.demo_films import DemoFilms
from serve_app.documents import (
    JOBS_DOCUMENT,
    NARRATIONS_DOCUMENT,
    PROBLEM_DOCUMENTS,
    RESULT_DOCUMENT,
    SUBTITLES_DOCUMENT,
    json_document,
)
from serve_app.events import narration_json
from serve_app.fetched import ADDRESS_FIELD, Fetcher, address_of
from serve_app.headers import SECURITY_HEADERS, SecurityHeaders
from serve_app.job_runner import JobRunner
from serve_app.jobs import Job, JobBook, JobState, job_json
from serve_app.page_files import INDEX, page_files
from serve_app.problems import Problem, busy, internal_error, timed_out, unavailable
from serve_app.results import KeptResult
from serve_app.rewriting import Rewriting
from serve_app.settings import ServeSettings
from serve_app.texts import Measuring, Subtitling
from serve_app.upload import received
from serve_app.video_file import Upload
from serve_app.way import Way


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Everything behind the paths.

    Attributes:
        way: Narrates uploads.
        jobs: Narrations that nobody waits for.
        runner: Works on them.
        preset: The model.
        abilities: What can be asked for.
        settings: Limits, keys and narration's settings.
        is_ready: Tells whether encoder and narrator answer.
    """

    way: Way
    jobs: JobBook
    runner: JobRunner
    preset: Preset
    abilities: Abilities
    settings: ServeSettings
    is_ready: Callable[[], Awaitable[bool]]


def caller_of(request: Request) -> str:
    """Name of who asks.

    Raises:
        Problem: Nobody who may.
    """
    gate: Gate = request.app.state.gate
    return gate.caller(request.headers, None if request.client is None else request.client.host)


Caller = Annotated[str, Depends(caller_of)]


def make_app(endpoint: Endpoint) -> FastAPI:
    """The ASGI application."""
    app = FastAPI(
        title="narrator-ray",
        version=__version__,
        description="Narrates product videos: a voice-over line for every clip, of a length that can be spoken in it.",
        docs_url=None,  # both pages load scripts of other sites
        redoc_url=None,
        responses=PROBLEM_DOCUMENTS,
        lifespan=lambda app: endpoint.runner.running(),
    )
    app.add_middleware(SecurityHeaders)
    access = endpoint.settings.access
    if access.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=access.allow_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type"],
        )
    app.state.fetcher = Fetcher(endpoint.settings.sources, endpoint.settings.limits.max_uploads)
    gate = app.state.gate = Gate(access, endpoint.settings.limits.max_uploads)
    _add_problems(app)
    _add_narrations(app, endpoint, gate)
    _add_jobs(app, endpoint, gate)
    _add_texts(app, endpoint)
    _add_probes(app, endpoint)
    _add_page(app)
    return app


def _add_narrations(app: FastAPI, endpoint: Endpoint, gate: Gate) -> None:
    """Narrations for who waits for them, and what can be done with a result."""
    max_bytes = endpoint.settings.limits.max_text_kb << 10

    @app.post("/v1/narrations", openapi_extra=NARRATIONS_DOCUMENT)
    async def narrate(request: Request, caller: Caller) -> Response:
        """Narrate a video.

        With `Accept: text/event-stream` the events accepted, clips, frames, then label and narration for every clip as
        soon as they exist, and done or error; otherwise the whole result as JSON, SRT or WebVTT.
        """
        return HeldResponse(_answered(endpoint, gate, caller, request))

    @app.get("/v1/narrations/{name}", response_class=JSONResponse, openapi_extra=RESULT_DOCUMENT)
    async def kept(request: Request, name: str, caller: Caller) -> Response:
        """A result of yours again, as JSON, SRT or WebVTT; for a while."""
        media_type = wanted_type(request.headers.get("accept"), RESULT_TYPES)
        return result_response((await endpoint.way.kept(name, caller)).result, media_type)

    @app.post("/v1/narrations/{name}/clips/{index:int}:rewrite", openapi_extra=json_document(Rewriting))
    async def rewrite(request: Request, name: str, index: int, caller: Caller) -> JsonDict:
        """Narrate one clip (from 0) of a result of yours anew, the others staying as they are."""
        wanted = await read_body(request, Rewriting, max_bytes)
        result = await endpoint.way.kept(name, caller)
        if not 0 <= index < len(result.result.narrations):
            raise Problem(HTTPStatus.NOT_FOUND, "unknown_clip", f"it has {len(result.result.narrations)} clips, from 0")
        with gate.admitted(caller):
            return await _rewritten(endpoint, result, index, wanted)


def _add_jobs(app: FastAPI, endpoint: Endpoint, gate: Gate) -> None:
    """Narrations that nobody waits for."""

    @app.post("/v1/jobs", status_code=HTTPStatus.ACCEPTED, openapi_extra=JOBS_DOCUMENT)
    async def add_job(request: Request, caller: Caller) -> Response:
        """Narrate a video without waiting for it: it will be done whoever dies meanwhile."""
        with gate.admitted(caller):
            job = await _noted(endpoint, caller, request)
        endpoint.runner.wake()
        headers = {"Location": f"/v1/jobs/{job.name}"}
        return JSONResponse(job_json(job, JobState("waiting", 0.0)), HTTPStatus.ACCEPTED, headers)

    @app.get("/v1/jobs/{name}")
    async def job(name: str, caller: Caller) -> JsonDict:
        """How far a job of yours is; where its result is when it is done."""
        return job_json(*await asyncio.to_thread(endpoint.jobs.get, name, caller))

    @app.post("/v1/jobs/{name}:cancel")
    async def cancel(name: str, caller: Caller) -> JsonDict:
        """Say that a job is not wanted any more."""
        await asyncio.to_thread(endpoint.jobs.get, name, caller)
        await asyncio.to_thread(endpoint.jobs.cancel, name)
        return job_json(*await asyncio.to_thread(endpoint.jobs.get, name, caller))


def _add_texts(app: FastAPI, endpoint: Endpoint) -> None:
    """What is done with texts of clients."""
    max_bytes = endpoint.settings.limits.max_text_kb << 10

    @app.post("/v1/lengths", openapi_extra=json_document(Measuring))
    async def measure(request: Request, caller: Caller) -> JsonDict:
        """How long texts are: words (en) or characters (zh), and seconds to say them."""
        return (await read_body(request, Measuring, max_bytes)).answer(endpoint.settings.config)

    @app.post("/v1/subtitles", response_class=Response, openapi_extra=json_document(Subtitling) | SUBTITLES_DOCUMENT)
    async def subtitle(request: Request, caller: Caller) -> Response:
        """Texts with their times as an SRT or WebVTT file."""
        asked = await read_body(request, Subtitling, max_bytes)
        return Response(asked.answer(), media_type=TYPE_OF_FORMAT[asked.format])


def _add_probes(app: FastAPI, endpoint: Endpoint) -> None:
    """What can be asked for, and whether anybody is there to answer."""

    @app.get("/v1/models")
    async def models(caller: Caller) -> JsonDict:
        """What can be asked for: the model, its languages and adapters, script labels and limits."""
        return _models(endpoint)

    @app.get("/healthz")
    async def is_alive() -> JsonDict:
        """Whether this process answers."""
        return {"status": "alive"}

    @app.get("/readyz")
    async def is_ready() -> JsonDict:
        """Whether videos can be narrated."""
        if not await endpoint.is_ready():
            raise unavailable("the encoder or the narrator does not answer yet")
        return {"status": "ready"}


def _add_page(app: FastAPI) -> None:
    """The page and what it shows to everyone; it asks for the rest as any client does."""
    films = DemoFilms()

    @app.get("/demo/films.json", include_in_schema=False)
    async def list_films() -> list[JsonDict]:
        return await films.listed()

    @app.get("/demo/films/{number:int}.mp4", include_in_schema=False)
    async def film(number: int) -> Response:
        data = await films.film(number)
        if data is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(data, media_type="video/mp4")

    @app.get("/", include_in_schema=False)
    @app.get("/{name}", include_in_schema=False)
    async def page(name: str = INDEX) -> Response:
        file = page_files().get(name)
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(file[0], media_type=file[1], headers={"Cache-Control": "no-cache"})


@asynccontextmanager
async def _answered(endpoint: Endpoint, gate: Gate, caller: str, request: Request) -> AsyncIterator[Response]:
    """A narration's answer; the upload lies on disk, and the caller's place is taken, until it has been sent."""
    media_type = wanted_type(request.headers.get("accept"))
    timeout_s = endpoint.settings.limits.request_timeout_s
    with gate.admitted(caller):
        async with _asked(endpoint, request) as (asked, upload):
            events = endpoint.way.narrate(asked, upload, caller)
            if media_type == STREAM_TYPE:
                stream = stream_of(events, timeout_s)
                yield StreamingResponse(stream, media_type=STREAM_TYPE, headers={"X-Accel-Buffering": "no"})
            else:
                yield result_response(await result_of(events, timeout_s), media_type)


@asynccontextmanager
async def _asked(endpoint: Endpoint, request: Request) -> AsyncIterator[tuple[Asked, Upload]]:
    """What a form asks for, and its video, which is gone when the block ends."""
    settings, content_type = endpoint.settings, request.headers.get("content-type", "")
    async with received(content_type, request.stream(), settings.limits) as form:
        address = address_of(form.fields, form.has_video, settings.sources)
        texts = {name: text for name, text in form.fields.items() if name != ADDRESS_FIELD}
        asked = read_asked(secrets.token_urlsafe(16), texts, endpoint.abilities)
        if address is not None:
            fetcher: Fetcher = request.app.state.fetcher
            await fetcher.fetch(address, form.video)
        yield asked, form.video.finish()


async def _noted(endpoint: Endpoint, caller: str, request: Request) -> Job:
    """A job with its upload, kept before it is accepted."""
    most = endpoint.settings.access.max_jobs
    if await asyncio.to_thread(endpoint.jobs.num_open, caller) >= most:
        raise busy(f"this key has {most} open jobs (access.max_jobs)", 60)
    async with _asked(endpoint, request) as (asked, upload):
        job = Job(caller, asked, upload.version, upload.num_bytes, time.time())
        await asyncio.to_thread(endpoint.jobs.add, job, upload.path)
    return job


async def _rewritten(endpoint: Endpoint, kept: KeptResult, index: int, wanted: Rewriting) -> JsonDict:
    timeout_s = endpoint.settings.limits.request_timeout_s
    try:
        async with asyncio.timeout(timeout_s):
            return narration_json(await endpoint.way.rewrite(kept, index, wanted))
    except TimeoutError as error:
        raise timed_out(timeout_s) from error


def _models(endpoint: Endpoint) -> JsonDict:
    preset = endpoint.preset
    model = {
        "name": preset.name,
        "languages": list(endpoint.abilities.languages),
        "adapters": sorted(endpoint.abilities.adapters),
        "description": preset.description,
        "parameters": preset.parameters,
        "license": preset.license,
        "is_trained": preset.is_trained,
    }
    labels = {str(label): {language: label.name_in(language) for language in LANGUAGES} for label in ScriptLabel}
    limits = endpoint.settings.limits
    shown = {name: getattr(limits, name) for name in ("max_upload_mb", "max_text_kb", "max_video_s", "max_clips")}
    takes_addresses = endpoint.settings.sources.allow_http
    return {"models": [model], "labels": labels, "limits": shown, ADDRESS_FIELD: takes_addresses}


def _add_problems(app: FastAPI) -> None:
    """Every error is application/problem+json, those that nobody foresaw too; the log has what they say."""

    @app.exception_handler(Exception)
    async def on_error(request: Request, error: Exception) -> Response:
        response = problem_response(internal_error())
        response.headers.update(SECURITY_HEADERS)  # no middleware sees this answer
        return response

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return problem_response(problem)

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        code = {HTTPStatus.NOT_FOUND: "not_found", HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed"}
        detail = "there is nothing here: /openapi.json lists the paths"
        response = problem_response(Problem(status, code.get(status, "http_error"), detail))
        response.headers.update(error.headers or {})
        return response
