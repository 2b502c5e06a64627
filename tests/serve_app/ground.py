"""The endpoint in one process: the real encoder, narrator and decoders of the tiny random model, without Serve."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from narrator_ray.model.model_dir import adapter_fingerprint
from narrator_ray.model.presets import Preset, find_preset, prepare_model
from serve_app.asked import Abilities
from serve_app.decoders import Decoders
from serve_app.encoder import Encoder
from serve_app.http import Endpoint, make_app
from serve_app.job_runner import JobRunner
from serve_app.jobs import JobBook
from serve_app.narrator import Narrator
from serve_app.place import open_place
from serve_app.results import Results
from serve_app.settings import ServeSettings
from serve_app.way import Encodes, Model, Narrates, Way

TINY: Preset = find_preset("tiny-random")
PRODUCT = '{"name": "Sunny mug", "knowledge": {"effect": ["keeps tea warm for 6 hours"], "price": ["9 dollars"]}}'
KEYS = {name: hashlib.sha256(f"key of {name}".encode()).hexdigest() for name in ("north", "south")}
"""Digests of the keys that two callers have."""
LOCAL = {"base_url": "http://localhost:8000", "client": ("127.0.0.1", 50000)}


@cache
def replicas() -> tuple[Encoder, Narrator]:
    """One encoder and one narrator for all tests."""
    config = tiny_settings().config
    return Encoder(TINY, config, "cpu"), Narrator(TINY, config, "cpu")


def tiny_settings(**changes: object) -> ServeSettings:
    """Settings that narrate in a moment."""
    return ServeSettings.model_validate({"preset": "tiny-random", **changes})


@dataclass
class Ground:
    """An endpoint and who asks it.

    Attributes:
        client: Asks it, from this machine.
    """

    client: TestClient

    def narrate(self, video: bytes, accept: str = "application/json", **fields: str):
        """Ask for a video."""
        form = {"product": PRODUCT} | fields
        return self.client.post(
            "/v1/narrations", data=form, files={"video": ("film.mp4", video)}, headers={"Accept": accept}
        )


@contextmanager
def application(
    encoder: Encodes | None = None, narrator: Narrates | None = None, is_ready: bool = True, **changes: object
) -> Iterator[FastAPI]:
    """An application with some settings changed, or other replicas."""
    settings = tiny_settings(**changes)
    config, spec = settings.config, prepare_model(TINY).spec
    decoders = Decoders(config.decode, settings.decoders)
    own_encoder, own_narrator = replicas()
    adapters = {name: adapter_fingerprint(Path(place)) for name, place in config.model.adapters.items()}
    model = Model(TINY.name, spec, adapters)
    max_clips = settings.limits.max_clips

    async def answer() -> bool:
        return is_ready

    with tempfile.TemporaryDirectory() as folder:
        place = settings.results or folder
        results = Results(open_place(place, "results", config.storage), settings.keep_results_s)
        jobs = JobBook(open_place(place, "jobs", config.storage), settings.keep_jobs_s, settings.job_silence_s)
        way = Way(config, model, decoders, encoder or own_encoder, narrator or own_narrator, results, max_clips)
        runner = JobRunner(jobs, way, settings.jobs_at_once, settings.limits.job_timeout_s)
        abilities = Abilities(spec.languages, adapters, max_clips)
        yield make_app(Endpoint(way, jobs, runner, TINY, abilities, settings, answer))
    decoders.close()


@contextmanager
def endpoint(**changes: Any) -> Iterator[Ground]:
    """An application, and who asks it."""
    with application(**changes) as app, TestClient(app, **LOCAL) as client:
        yield Ground(client)


@contextmanager
def site(app: FastAPI) -> Iterator[str]:
    """Address of an application that is served on this machine."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def events_of(text: str) -> list[tuple[str, str]]:
    """Name and data of every event of a stream."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if block.startswith("event: ")]
    return [(name.removeprefix("event: "), data.removeprefix("data: ")) for name, data in blocks]
