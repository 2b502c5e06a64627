"""An S3 server for tests in a process of its own, reached only through the environment, as a user's would be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from narrator_ray.config import DEFAULT_STORAGE
from narrator_ray.storage.filesystems import filesystem_of

BUCKET = "narrator-test"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
PAGE_KEYS = 50
"""Objects of one page of a listing; a thousand on S3."""
_START_S = 60


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """URL of a server with one empty bucket."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    pages = {"MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE_KEYS)}
    with subprocess.Popen(
        command, env=os.environ | pages, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        wait_until_open(port, server)
        make_bucket(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_until_open(port: int, server: subprocess.Popen) -> None:
    """Return when the server listens on its port."""
    deadline = time.monotonic() + _START_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert server.poll() is None, "the S3 server ended"
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.05)


def make_bucket(url: str) -> None:
    """Create the bucket of the tests."""
    import boto3

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with closing(boto3.client("s3", region_name="us-east-1", endpoint_url=url, **keys)) as client:
        client.create_bucket(Bucket=BUCKET)


@pytest.fixture(scope="module")
def s3_bucket(s3_server: str) -> Iterator[str]:
    """Name of a bucket on the server that the environment points to."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": s3_server}.items():
            patch.setenv(name, value)
        cached = type(filesystem_of("s3", DEFAULT_STORAGE))
        cached.clear_instance_cache()
        yield BUCKET
        cached.clear_instance_cache()


@pytest.fixture
def s3_root(s3_bucket: str) -> str:
    """A fresh prefix in the bucket."""
    return f"s3://{s3_bucket}/{uuid4().hex}"
