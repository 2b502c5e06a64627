"""Videos and catalogues on S3 behind a proxy that breaks connections: read whole and once, or given up."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator

import pytest

from narrator_ray.catalog.manifest import read_manifest
from narrator_ray.catalog.source import local_copy, source_version
from narrator_ray.config import SourceSettings, StorageSettings
from narrator_ray.errors import ManifestError, RejectReason, UnreadableVideo
from narrator_ray.storage.remote_file import RANGE_BYTES
from narrator_ray.storage.storage import Storage
from tests.faulty_proxy import Fault, FaultyProxy, faulty_proxy

VIDEO = os.urandom(1 << 20) * 20
RULES = SourceSettings()
ROW = b'{"video_id": "mug", "video": "mug.mp4", "product": {"name": "Mug"}}\n'
IN_THE_BODY = (Fault.CUT_ANSWER, Fault.SHORT_ANSWER, Fault.STALL_INSIDE)


@pytest.fixture(scope="module")
def proxy(s3_server: str) -> Iterator[FaultyProxy]:
    """A proxy that does nothing until it is told to."""
    with faulty_proxy(s3_server, stall_s=0.9) as proxy:
        yield proxy


@pytest.fixture
def s3(proxy: FaultyProxy) -> StorageSettings:
    """S3 behind the proxy, which has seen nothing yet."""
    proxy.forget()
    return StorageSettings(endpoint_url=proxy.url, max_attempts=3, longest_wait_s=0.05, read_timeout_s=0.5)


@pytest.fixture
def video(s3_root: str) -> str:
    """URI of a video of twenty MiB."""
    Storage.open(s3_root).write("mug.mp4", VIDEO)
    return f"{s3_root}/mug.mp4"


@pytest.mark.parametrize("fault", [None, *IN_THE_BODY])
def test_a_video_is_fetched_once(proxy: FaultyProxy, s3: StorageSettings, video: str, fault: Fault | None) -> None:
    """Range by range; only a range that broke off is asked for again."""
    if fault:
        proxy.order(fault, "GET", times=2)
    quiet_s = s3.read_timeout_s if fault is Fault.STALL_INSIDE else 10.0
    with local_copy(video, RULES, s3.model_copy(update={"read_timeout_s": quiet_s})) as path:
        assert path.read_bytes() == VIDEO
    whole = [seen.num_bytes for seen in proxy.seen if seen.method == "GET" and not seen.fault]
    assert (len(whole), sum(whole)) == (3, len(VIDEO))
    assert [seen.fault for seen in proxy.seen if seen.method == "GET" and seen.fault] == [fault] * (2 if fault else 0)


def test_a_video_is_never_in_memory_whole(s3_root: str) -> None:
    """A few ranges are, however large it is."""
    Storage.open(s3_root).write("long.mp4", VIDEO * 3)
    tracemalloc.start()
    try:
        with local_copy(f"{s3_root}/long.mp4", RULES) as path:
            assert path.stat().st_size == 3 * len(VIDEO)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 5 * RANGE_BYTES


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.RESET, Fault.STALL, *IN_THE_BODY])
def test_a_video_that_cannot_be_had(proxy: FaultyProxy, s3: StorageSettings, video: str, fault: Fault) -> None:
    """It may be there another night, so the reason is one that every run tries again; the error names the video."""
    proxy.order(fault, "GET", times=100)
    with pytest.raises(UnreadableVideo, match=r"given up after 3 attempts") as caught, local_copy(video, RULES, s3):
        pass
    assert caught.value.reason is RejectReason.SOURCE_UNAVAILABLE
    assert caught.value.detail.startswith(f"{video}: ")


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.RESET, Fault.STALL])
def test_a_version_that_cannot_be_had(proxy: FaultyProxy, s3: StorageSettings, video: str, fault: Fault) -> None:
    """Passing faults are waited out; lasting ones are no proof that the video is gone."""
    expected = source_version(video, RULES, s3)
    proxy.order(fault, "HEAD")
    assert source_version(video, RULES, s3) == expected
    proxy.order(fault, "HEAD", times=100)
    with pytest.raises(UnreadableVideo, match=r"given up after 3 attempts") as caught:
        source_version(video, RULES, s3)
    assert caught.value.reason is RejectReason.SOURCE_UNAVAILABLE


def test_a_video_that_is_too_large_is_not_fetched(proxy: FaultyProxy, s3: StorageSettings, video: str) -> None:
    """Its size is known beforehand."""
    with pytest.raises(UnreadableVideo, match="larger than"), local_copy(video, SourceSettings(max_video_mb=19), s3):
        pass
    assert [seen.method for seen in proxy.seen] == ["HEAD"]


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.RESET, Fault.STALL, *IN_THE_BODY])
def test_a_catalogue_is_read_whole_or_not_at_all(
    proxy: FaultyProxy, s3: StorageSettings, s3_root: str, fault: Fault
) -> None:
    """Never a part of its rows."""
    rows = b"".join(ROW.replace(b'"mug"', b'"%d"' % number) for number in range(100))
    Storage.open(s3_root).write("catalog.jsonl", rows)
    proxy.order(fault, "GET")
    assert len(read_manifest(f"{s3_root}/catalog.jsonl", storage=s3)) == 100
    proxy.order(fault, "GET", times=100)
    with pytest.raises(ManifestError, match=r"cannot be read: .*given up after 3 attempts"):
        read_manifest(f"{s3_root}/catalog.jsonl", storage=s3)
