"""What several test packages share: a catalogue writer, one local Ray and one S3 server for the whole session."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.s3_server import CREDENTIALS, s3_bucket, s3_root, s3_server

__all__ = ["local_ray", "s3_bucket", "s3_root", "s3_server", "write_manifest"]

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the models of tests are tiny; threads that wait for each other are not
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
for _name, _value in CREDENTIALS.items():  # workers have the environment in which Ray was started, and no other
    os.environ.setdefault(_name, _value)


settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # how fast a machine is must not decide whether a test passes


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One Ray with two CPUs for every test that needs one."""
    import ray

    os.environ["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"] = "serve_app.proxy:middlewares"
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=500_000_000,
    )
    yield
    ray.shutdown()


@pytest.fixture
def write_manifest(tmp_path: Path):
    """Writes rows as a JSONL manifest and gives its path."""

    def write(rows: list[dict], name: str = "catalog.jsonl") -> str:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    return write
