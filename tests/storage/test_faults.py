"""Storage on S3 behind a proxy that refuses, resets, stalls and cuts: everything ends as if nothing had happened."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from narrator_ray.config import StorageSettings
from narrator_ray.errors import StorageError
from narrator_ray.storage.filesystems import filesystem_of
from narrator_ray.storage.storage import Storage
from tests.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from tests.s3_server import PAGE_KEYS

STALL_S = 1.0
PATIENT = {"max_attempts": 5, "longest_wait_s": 0.05, "connect_timeout_s": 5, "read_timeout_s": 0.7, "part_mb": 5}
LARGE = os.urandom(1 << 20) * 11
EVERY_FAULT = [fault for fault in Fault if fault not in (Fault.NOT_IMPLEMENTED, Fault.SHORT_ANSWER)]
SOME_OF_EACH = {fault: 0.15 / len(EVERY_FAULT) for fault in EVERY_FAULT}


@pytest.fixture(scope="module")
def one_proxy(s3_server: str) -> Iterator[FaultyProxy]:
    """A proxy for all tests, because connecting to another endpoint takes its time."""
    with faulty_proxy(s3_server, stall_s=STALL_S) as proxy:
        yield proxy


@pytest.fixture
def proxy(one_proxy: FaultyProxy) -> FaultyProxy:
    """A proxy that has seen nothing and does nothing until it is told to."""
    one_proxy.forget()
    return one_proxy


@pytest.fixture
def storage(proxy: FaultyProxy, s3_root: str) -> Storage:
    """An empty storage behind the proxy."""
    return Storage.open(s3_root, StorageSettings(endpoint_url=proxy.url, **PATIENT))


def uploads_in(storage: Storage) -> int:
    """Uploads in parts that were begun and neither completed nor ended."""
    return storage.end_uploads(time.time() + 3600, is_dry=True)


def opened_whole(storage: Storage) -> bytes:
    """An object, read through a file."""
    with storage.opened("a/b") as file:
        return file.read()


OPERATIONS: dict[str, tuple[str, Callable[[Storage], object], object]] = {
    "write": ("PUT", lambda storage: storage.write("a/c", b"new") or storage.read("a/c"), b"new"),
    "write_if_absent": (
        "PUT",
        lambda storage: (storage.write_if_absent("a/c", b"new"), storage.read("a/c")),
        (True, b"new"),
    ),
    "too late": ("PUT", lambda storage: (storage.write_if_absent("a/b", b"new"), storage.read("a/b")), (False, b"old")),
    "read": ("GET", lambda storage: storage.read("a/b"), b"old"),
    "opened": ("GET", opened_whole, b"old"),
    "list": ("GET", lambda storage: list(storage.keys("a")), ["a/b"]),
    "exists": ("HEAD", lambda storage: (storage.exists("a/b"), storage.exists("a/c")), (True, False)),
    "delete": ("POST", lambda storage: storage.delete(["a/b"]) or list(storage.keys()), []),
    "probe": ("PUT", lambda storage: storage.check_writable() or list(storage.keys()), ["a/b"]),
}


@pytest.mark.parametrize("fault", EVERY_FAULT)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_passes_is_waited_out(proxy: FaultyProxy, storage: Storage, operation: str, fault: Fault) -> None:
    """Whatever happens to a request, twice in a row where that costs no time, the next does what was asked, once."""
    method, act, expected = OPERATIONS[operation]
    times = 1 if fault in (Fault.STALL, Fault.STALL_INSIDE) else 2
    storage.write("a/b", b"old")
    proxy.order(fault, method, times=times)
    assert act(storage) == expected
    assert [seen.fault for seen in proxy.seen if seen.method == method and seen.fault] == [fault] * times


@pytest.mark.parametrize("fault", [Fault.SHORT_ANSWER, Fault.CUT_ANSWER])
def test_a_short_answer_is_not_taken_for_the_object(proxy: FaultyProxy, storage: Storage, fault: Fault) -> None:
    """Not even where the answer claims to be whole: the size of the object is known from its listing or headers."""
    storage.write("a/b", LARGE)
    proxy.order(fault, "GET", times=2)
    with storage.opened("a/b") as file:
        assert file.read(6 << 20) + file.read() == LARGE
        file.seek(-5, os.SEEK_END)
        assert file.read() == LARGE[-5:]


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.LOST_ANSWER, Fault.CUT_REQUEST])
@pytest.mark.parametrize(
    ("method", "part"), [("POST", "uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId"), ("GET", "")]
)
def test_large_objects_go_up_in_parts(
    proxy: FaultyProxy, storage: Storage, tmp_path: Path, method: str, part: str, fault: Fault
) -> None:
    """Faults at the beginning, at a part, at the completion, when it is read: the object is whole.

    An upload whose beginning got lost on the way back is known to nobody; it is all that is left, and is cleared away.
    """
    (tmp_path / "large").write_bytes(LARGE)
    proxy.order(fault, method, part, times=2)
    storage.write_file("a/b", tmp_path / "large")
    assert storage.read("a/b") == LARGE
    assert len({str(seen.query["partNumber"]) for seen in proxy.seen if "partNumber" in seen.query}) == 3
    assert uploads_in(storage) == (2 if part == "uploads" and fault is Fault.LOST_ANSWER else 0)


def test_a_lost_answer_is_no_defeat(proxy: FaultyProxy, storage: Storage) -> None:
    """The object is there though the answer got lost; the next attempt finds it, and knows its own from another's."""
    for data in (b"small", LARGE):
        for part in ("", "uploadId"):
            method = "POST" if data is LARGE else "PUT"
            key = f"a/{len(data)}{part}"
            proxy.order(Fault.LOST_ANSWER, method, part, times=1)
            assert storage.write_if_absent(key, data)
            proxy.order(Fault.LOST_ANSWER, method, part, times=1)
            assert not storage.write_if_absent(key, data[::-1])
            assert storage.read(key) == data


def test_an_upload_that_is_given_up_leaves_nothing(proxy: FaultyProxy, storage: Storage) -> None:
    """Its parts are taken away; a later one starts anew."""
    proxy.order(Fault.RESET, "PUT", "partNumber=3", times=100)
    with pytest.raises(StorageError, match="a/b: cannot write"):
        storage.write("a/b", LARGE)
    assert uploads_in(storage) == 0
    assert not storage.exists("a/b")


def test_what_killed_uploads_leave_is_removed(storage: Storage) -> None:
    """Only what is old, and only when asked."""
    filesystem = filesystem_of("s3", StorageSettings())
    bucket, _, prefix = storage.uri.removeprefix("s3://").partition("/")
    for number in range(3):
        filesystem.call_s3("create_multipart_upload", Bucket=bucket, Key=f"{prefix}/a/{number}")
    assert storage.end_uploads(0.0) == 0
    assert uploads_in(storage) == storage.end_uploads(time.time() + 3600) == 3
    assert uploads_in(storage) == 0


def test_listing_is_by_prefix_and_by_pages(proxy: FaultyProxy, storage: Storage) -> None:
    """Three requests for two pages and a half, in order, whatever happens on the way; nothing else is asked."""
    keys = [f"a/{number % 16:02x}/{number:05}" for number in range(5 * PAGE_KEYS // 2)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: storage.write(key, b""), [*keys, "b/1", "ab/1"]))
    proxy.seen.clear()
    proxy.order(Fault.CUT_ANSWER, "GET", "continuation-token")
    assert list(storage.keys("a")) == sorted(keys)
    prefix = storage.uri.removeprefix("s3://").partition("/")[2]
    assert {tuple(seen.query["prefix"]) for seen in proxy.seen} == {(f"{prefix}/a/",)}
    assert [seen.fault for seen in proxy.seen] == [None, Fault.CUT_ANSWER, None, None]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault.SLOW_DOWN, "SlowDown: Please reduce your request rate."),
        (Fault.STALL, "[Tt]imeout"),
        (Fault.RESET, "[Cc]onnect"),
        (Fault.CUT_ANSWER, "[Cc]losed|ContentLengthError"),
    ],
)
def test_patience_ends(proxy: FaultyProxy, storage: Storage, fault: Fault, says: str) -> None:
    """The error names bucket, object, fault, attempts and what to do; there are as many requests as were allowed."""
    storage.write("a/b", b"old")
    proxy.seen.clear()
    proxy.order(fault, "GET", times=100)
    with pytest.raises(StorageError, match=says) as caught:
        storage.read("a/b")
    assert str(caught.value).startswith(f"{storage.uri}/a/b: cannot read: ")
    assert "given up after 5 attempts: check the network and AWS_ENDPOINT_URL" in str(caught.value)
    assert 5 <= len(proxy.seen) <= 10  # aiohttp makes a request that met a reset once more by itself


def test_not_knowing_is_not_absence(proxy: FaultyProxy, storage: Storage) -> None:
    """A service that cannot be asked is no proof that an object is not there."""
    storage.write("a/b", b"old")
    proxy.order(Fault.SLOW_DOWN, "HEAD", times=100)
    with pytest.raises(StorageError, match="given up"):
        storage.exists("a/b")


def test_a_failed_condition_does_not_overwrite(proxy: FaultyProxy, storage: Storage) -> None:
    """A writer that cannot find out whether it is the first does not write over the first."""
    storage.write("a/b", b"old")
    proxy.order(Fault.SLOW_DOWN, "PUT", times=5)
    with pytest.raises(StorageError, match="given up"):
        storage.write_if_absent("a/b", b"new")
    assert storage.read("a/b") == b"old"


def test_stores_without_conditional_writes(proxy: FaultyProxy, storage: Storage) -> None:
    """A store that does not implement If-None-Match gets a look and a plain write; the first write still wins."""
    proxy.order(Fault.NOT_IMPLEMENTED, "PUT")
    assert storage.write_if_absent("a", b"first")
    proxy.order(Fault.NOT_IMPLEMENTED, "PUT")
    assert not storage.write_if_absent("a", b"second")
    assert storage.read("a") == b"first"


def test_an_object_that_is_replaced_while_it_is_read(storage: Storage) -> None:
    """The halves of two versions are not one object."""
    storage.write("a/b", LARGE)
    with pytest.raises(StorageError, match="replaced while it was read"), storage.opened("a/b") as file:
        file.read(1 << 20)
        storage.write("a/b", LARGE[::-1])
        file.read()


def test_everything_at_once(s3_server: str, s3_root: str) -> None:
    """Sixty writers and readers, fifteen faults in a hundred requests: all written, once, and read back."""
    with faulty_proxy(s3_server, SOME_OF_EACH, stall_s=STALL_S) as proxy:
        storage = Storage.open(s3_root, StorageSettings(endpoint_url=proxy.url, **{**PATIENT, "max_attempts": 12}))
        objects = {f"a/{number:03}": os.urandom(5000) for number in range(60)}
        with ThreadPoolExecutor(16) as threads:
            won = list(threads.map(lambda item: storage.write_if_absent(*item), objects.items()))
            late = list(threads.map(lambda item: storage.write_if_absent(item[0], b"late"), objects.items()))
            read = dict(zip(objects, threads.map(storage.read, objects), strict=True))
        assert (set(won), set(late)) == ({True}, {False})
        assert read == objects
        assert list(storage.keys()) == sorted(objects)
        assert len({seen.fault for seen in proxy.seen}) > len(EVERY_FAULT) // 2
