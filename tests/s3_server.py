"""An S3 server for tests, reached only through the environment, as a user's would be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer

from narrator_ray.storage.filesystems import filesystem_of

BUCKET = "narrator-test"


@pytest.fixture(scope="module")
def s3_bucket() -> Iterator[str]:
    """Name of an empty bucket on a local S3 server that the environment points to."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        }.items():
            patch.setenv(name, value)
        with closing(boto3.client("s3", region_name="us-east-1")) as client:
            client.create_bucket(Bucket=BUCKET)
        type(filesystem_of("s3")).clear_instance_cache()
        yield BUCKET
        type(filesystem_of("s3")).clear_instance_cache()
    server.stop()


@pytest.fixture
def s3_root(s3_bucket: str) -> str:
    """A fresh prefix in the bucket."""
    return f"s3://{s3_bucket}/{uuid4().hex}"
