"""The same storage on another maker's S3, which forgets a condition and says its errors in other words."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from narrator_ray.config import StorageSettings
from narrator_ray.errors import StorageError
from narrator_ray.storage.filesystems import filesystem_of
from narrator_ray.storage.storage import Storage
from tests.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from tests.radosgw import is_installed, radosgw
from tests.s3_server import BUCKET

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="needs Ceph: apt-get install radosgw ceph-mon ceph-osd"),
]

LARGE = os.urandom(1 << 20) * 11
SHARES = dict.fromkeys((Fault.SLOW_DOWN, Fault.RESET, Fault.LOST_ANSWER, Fault.CUT_ANSWER, Fault.CUT_REQUEST), 0.03)


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultyProxy]:
    """A gateway behind a proxy that breaks one request in seven."""
    with radosgw() as url, faulty_proxy(url, SHARES) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def s3(proxy: FaultyProxy) -> StorageSettings:
    """The way to it."""
    patience = {"max_attempts": 12, "longest_wait_s": 0.05}
    return StorageSettings(endpoint_url=proxy.url, region="us-east-1", part_mb=5, **patience)


def test_objects_are_written_once_and_read_back(proxy: FaultyProxy, s3: StorageSettings) -> None:
    """Small and large ones, whatever happens to requests."""
    storage = Storage.open(f"s3://{BUCKET}/objects", s3)
    storage.check_writable()
    objects = {f"a/{number:02}": os.urandom(5000) for number in range(40)} | {"a/large": LARGE}
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda item: storage.write_if_absent(*item), objects.items()))
        assert not any(threads.map(lambda key: storage.write_if_absent(key, objects[key][::-1]), objects))
        assert dict(zip(objects, threads.map(storage.read, objects), strict=True)) == objects
    assert list(storage.keys("a")) == sorted(objects)
    with storage.opened("a/large") as file:
        file.seek(10 << 20)
        assert file.read() == LARGE[10 << 20 :]
    storage.delete(list(objects))
    assert list(storage.keys()) == []
    assert {seen.fault for seen in proxy.seen} >= set(SHARES)


def test_unfinished_uploads_have_an_age(s3: StorageSettings) -> None:
    """Young ones stay."""
    storage = Storage.open(f"s3://{BUCKET}", s3)
    storage.end_uploads(time.time() + 3600)
    filesystem_of("s3", s3).call_s3("create_multipart_upload", Bucket=BUCKET, Key="uploads/a")
    assert storage.end_uploads(time.time() - 3600) == 0
    assert storage.end_uploads(time.time() + 3600) >= 1
    assert storage.end_uploads(time.time() + 3600, is_dry=True) == 0


def test_what_is_not_there(s3: StorageSettings) -> None:
    """Objects and buckets."""
    assert not Storage.open(f"s3://{BUCKET}/none", s3).exists("a")
    with pytest.raises(StorageError, match="a: cannot read: not found"):
        Storage.open(f"s3://{BUCKET}/none", s3).read("a")
    with pytest.raises(StorageError, match="the bucket does not exist"):
        Storage.open("s3://no-such-bucket/none", s3).check_writable()


def test_an_object_that_is_replaced_while_it_is_read(s3: StorageSettings) -> None:
    """The halves of two versions are not one object."""
    storage = Storage.open(f"s3://{BUCKET}/replaced", s3)
    storage.write("a", LARGE)
    with pytest.raises(StorageError, match="replaced while it was read"), storage.opened("a") as file:
        file.read(1 << 20)
        storage.write("a", LARGE[::-1])
        file.read()
