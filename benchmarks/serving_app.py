"""The endpoint on a local Ray, for benchmarks: started with limits that no benchmark meets, and its processes."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from serve_app.settings import ServeSettings

TITLES = {
    "narrator": "ServeReplica:default:narrator",
    "encoder": "ServeReplica:default:encoder",
    "ingress": "ServeReplica:default:ingress",
    "proxy": "ProxyActor",
}
"""What the processes call themselves."""
_OBJECT_STORE_BYTES = 1 << 29
_MANY = 1_000_000
_START_PATIENCE_S, _POLL_S = 180.0, 0.05


def settings_of(preset: str, lanes: int | None = None, **changes: object) -> ServeSettings:
    """The usual settings, but for limits that keep clients apart.

    Args:
        preset: The model.
        lanes: Videos that the narrator tells side by side; None: as many as usual.
        changes: Further settings.
    """
    replicas = {"most_ongoing": 256, "most_queued": -1}
    return ServeSettings.model_validate(
        {
            "preset": preset,
            "settings": {} if lanes is None else {"run": {"narrate_lanes": lanes}},
            "limits": {"max_uploads": 256, "request_timeout_s": 3600.0},
            "access": {"requests_per_minute": _MANY, "max_concurrent": 256, "max_jobs": _MANY},
            "ingress": {**replicas, "num_cpus": 0.25},
            "encoder": {**replicas, "num_cpus": 0.25},
            "narrator": replicas,
            **changes,
        }
    )


@contextmanager
def local_serve() -> Iterator[str]:
    """Ray and Serve on this machine; the address at which applications will be."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 by default: clients would get more than those they ask
    os.environ.setdefault("RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH", "serve_app.proxy:middlewares")
    import ray
    from ray import serve

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ray.init(
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=_OBJECT_STORE_BYTES,
    )
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.shutdown()
        ray.shutdown()


@contextmanager
def application(settings: ServeSettings) -> Iterator[None]:
    """The endpoint on the Serve that is there, with results in a folder of its own."""
    from ray import serve

    from serve_app.app import build

    with tempfile.TemporaryDirectory() as folder:
        serve.run(build(settings.model_copy(update={"results": folder})))
        try:
            yield
        finally:
            serve.delete("default")


def process_of(role: str) -> psutil.Process:
    """The only process of that kind that this program started, as soon as there is one.

    Raises:
        TimeoutError: There is none.
    """
    deadline = time.monotonic() + _START_PATIENCE_S
    while time.monotonic() < deadline:
        for process in psutil.Process().children(recursive=True):
            try:
                if TITLES[role] in " ".join(process.cmdline()):
                    return process
            except psutil.Error:
                continue
        time.sleep(_POLL_S)
    raise TimeoutError(f"no process of the {role} after {_START_PATIENCE_S:g} s")
