"""The endpoint on a local Ray Serve: latency and throughput at several numbers of clients, beside the engine alone.

Run: python benchmarks/serving.py [--preset nano] [--films 8] [--clients 1 2 4 8] [--rounds 2]

Films of the storefront are uploaded by so many clients at once, each asking for the next film when it has the last;
every film is asked for as often as there are rounds, with another seed each time, so that nothing is cached. Latency is
counted from the first byte sent: to the first narration, and to the last event.

The engine alone narrates the same films, all side by side, in this process, from features that are there already: no
HTTP, no decoding, no encoding. The share of its clips/s that the endpoint reaches tells what all of that costs where it
has to share the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from queue import Empty, SimpleQueue

import ray
from ray import serve

from narrator_ray.demo import draw_video, make_film
from narrator_ray.demo.films import Film
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.records import JsonDict
from narrator_ray.runs.work import WorkItem
from serve_app.app import build
from serve_app.asked import Abilities, read_asked
from serve_app.decoders import Decoders
from serve_app.encoder import Encoder
from serve_app.narrator import Narrator
from serve_app.results import Results
from serve_app.settings import ServeSettings
from serve_app.upload import Upload
from serve_app.way import Model, Way

BOUNDARY = "frontier"


@dataclass(frozen=True, slots=True)
class Goods:
    """A film on disk and what it sells."""

    path: Path
    product: JsonDict


@dataclass(frozen=True, slots=True)
class Answer:
    """How one request went.

    Attributes:
        first_s: Seconds to the first narration.
        last_s: Seconds to the end.
        num_clips: Clips narrated.
    """

    first_s: float
    last_s: float
    num_clips: int


def main() -> None:
    """Print a row for each number of clients; the last line is the share of the engine's throughput."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="nano")
    parser.add_argument("--films", type=int, default=8)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    settings = ServeSettings.model_validate(
        {
            "preset": options.preset,
            "access": {"requests_per_minute": 10_000, "max_concurrent": 64},
            "limits": {"max_uploads": 64, "request_timeout_s": 1800},
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        goods = [_drawn(Path(folder), make_film(seed), seed) for seed in range(options.films)]
        best = 0.0
        with served(settings) as port:
            ask(port, goods[0], 0)  # the first request finds processes that have not worked yet
            print("clients  requests  first clip p50  p95     end p50     p95   clips/s", flush=True)
            for num_clients in options.clients:
                best = max(best, measure(port, goods, num_clients, options.rounds))
        alone = asyncio.run(engine_alone(settings, goods))
        print(f"engine alone: {alone:.2f} clips/s")
        print(f"share of the engine: {100 * best / alone:.0f} %")


def _drawn(folder: Path, film: Film, seed: int) -> Goods:
    path = folder / f"{seed}.mp4"
    draw_video(path, film.storyboard)
    return Goods(path, film.to_video("film", "film.mp4").product.to_json())


@contextlib.contextmanager
def served(settings: ServeSettings) -> Iterator[int]:
    """The application on a Ray of its own; gives its port."""
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(build(settings))
    try:
        yield port
    finally:
        serve.shutdown()
        ray.shutdown()


def measure(port: int, goods: Sequence[Goods], num_clients: int, num_rounds: int) -> float:
    """All films in all rounds by so many clients: prints a row, gives clips/s."""
    waiting: SimpleQueue[tuple[Goods, int]] = SimpleQueue()
    for number in range(num_rounds):
        for item in goods:
            waiting.put((item, 1000 * num_clients + number))
    answers: list[Answer] = []

    def serve_client() -> None:
        with contextlib.suppress(Empty):
            while True:
                answers.append(ask(port, *waiting.get_nowait()))

    clients = [threading.Thread(target=serve_client) for _ in range(num_clients)]
    started_s = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    clips_per_s = sum(answer.num_clips for answer in answers) / (time.perf_counter() - started_s)
    first, last = ([getattr(answer, name) for answer in answers] for name in ("first_s", "last_s"))
    shown = "".join(f"{_quantile(values, share):10.1f} s" for values in (first, last) for share in (0.5, 0.95))
    print(f"{num_clients:7} {len(answers):9}   {shown} {clips_per_s:8.2f}", flush=True)
    return clips_per_s


def _quantile(values: Sequence[float], share: float) -> float:
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(100 * share) - 1]


def ask(port: int, goods: Goods, seed: int) -> Answer:
    """Have one film narrated, as a stream."""
    fields = {"product": json.dumps(goods.product), "language": "en", "seed": str(seed)}
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    )
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="video"; filename="film.mp4"\r\n\r\n'
    body = head.encode() + goods.path.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Accept": "text/event-stream"}
    started_s, first_s, num_clips, name = time.perf_counter(), 0.0, 0, b""
    connection = HTTPConnection("localhost", port, timeout=1800)
    connection.request("POST", "/v1/narrations", body, headers)
    for line in connection.getresponse():
        name = line if line.startswith(b"event: ") else name
        if line == b"event: narration\n":
            num_clips += 1
            first_s = first_s or time.perf_counter() - started_s
    if name != b"event: done\n":
        raise RuntimeError(f"the stream ended with {name!r}")
    return Answer(first_s, time.perf_counter() - started_s, num_clips)


async def engine_alone(settings: ServeSettings, goods: Sequence[Goods]) -> float:
    """Clips/s of the engine with nothing beside it."""
    preset, config = find_preset(settings.config.model.preset), settings.config
    model, narrator = Model(preset.name, prepare_model(preset).spec, {}), Narrator(preset, config, "cpu")
    jobs = []

    class Noted:
        """Takes the jobs and narrates nothing."""

        async def narrate(self, item: WorkItem, job: NarrationJob) -> AsyncGenerator[ClipResult]:
            jobs.append((item, job))
            for nothing in ():
                yield nothing

    with tempfile.TemporaryDirectory() as folder:
        decoders, results = Decoders(config.decode, 1), Results(folder, config.storage, 1000.0)
        way = Way(config, model, decoders, Encoder(preset, config, "cpu"), Noted(), results, 60)
        for number, item in enumerate(goods):
            fields = {"product": json.dumps(item.product), "language": "en"}
            asked = read_asked(f"film {number}", fields, Abilities(model.spec.languages, (), 60))
            upload = Upload(item.path, str(item.path), 0, fields)
            async for _ in way.narrate(asked, upload, "benchmark"):
                pass
        decoders.close()

    async def told(item: WorkItem, job: NarrationJob) -> int:
        return len([event async for event in narrator.narrate(item, job) if isinstance(event, ClipResult)])

    started_s = time.perf_counter()
    num_clips = sum(await asyncio.gather(*(told(*job) for job in jobs)))
    return num_clips / (time.perf_counter() - started_s)


if __name__ == "__main__":
    main()
