"""source_version and local_copy: local files, S3 objects and a real HTTP server with its bad habits."""

from __future__ import annotations

import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from narrator_ray.catalog import public_connection
from narrator_ray.catalog.source import local_copy, source_version
from narrator_ray.config import SourceSettings
from narrator_ray.errors import RejectReason, StorageError, UnreadableVideo

VIDEO = bytes(range(256)) * 9000
TRICKLED_BYTES = 100
OPEN = SourceSettings(allow_http=True, allow_private_addresses=True)


class Handler(BaseHTTPRequestHandler):
    """Answers by the path: each names one way a server can behave."""

    etag = '"v1"'

    def do_HEAD(self) -> None:
        """Headers only."""
        self._respond(with_body=False)

    def do_GET(self) -> None:
        """Headers and body."""
        self._respond(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _respond(self, with_body: bool) -> None:
        name = self.path.strip("/").partition("?")[0]
        refuses_head = name == "no-head.mp4" and not with_body
        status = 405 if refuses_head else int(name) if name.isdigit() else 302 if name.startswith("to-") else 200
        self.send_response(status)
        if name.startswith("to-"):
            self.send_header("Location", {"to-video": "/video.mp4", "to-file": "file:///etc/passwd"}[name])
        if status != 200:
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if "bare" not in name:
            self.send_header("ETag", type(self).etag)
        if name != "endless.mp4":
            length = TRICKLED_BYTES if name == "trickle.mp4" else len(VIDEO) + 7 * (name == "short.mp4")
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if with_body and name == "trickle.mp4":
            for place in range(TRICKLED_BYTES):
                self.wfile.write(VIDEO[place : place + 1])
                time.sleep(0.02)
        elif with_body:
            self.wfile.write(type(self).etag.encode() + VIDEO[len(type(self).etag) :] if "bare" in name else VIDEO)


class Server(ThreadingHTTPServer):
    """A server that does not mind clients who go before the end."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a server on this machine."""
    monkeypatch.setattr(Handler, "etag", '"v1"')
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where copies go; nothing may be left there by any test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A local file."""
    path = tmp_path / "a b.mp4"
    path.write_bytes(VIDEO)
    return path


def copy_whole(uri: str) -> bytes:
    """What a local copy holds."""
    with local_copy(uri, OPEN) as path:
        return path.read_bytes()


def rejection(act: Callable[[str], object], uri: str) -> UnreadableVideo:
    """Why a file cannot be read; the detail must name the file."""
    with pytest.raises(UnreadableVideo) as caught:
        act(uri)
    assert caught.value.detail.startswith(f"{uri}: ")
    return caught.value


both = pytest.mark.parametrize("act", [partial(source_version, rules=OPEN), copy_whole])


def test_local_files_stay_where_they_are(video: Path) -> None:
    """A local file is its own copy, by path or URI, and is there afterwards."""
    for uri in (str(video), f"file://{str(video).replace(' ', '%20')}"):
        with local_copy(uri, OPEN) as path:
            assert path == video
    assert video.exists()


def test_versions_of_local_files(video: Path, tmp_path: Path) -> None:
    """A version changes with size, time, beginning and end, and not with the name."""
    first = source_version(str(video), OPEN)
    status = video.stat()
    assert source_version(f"file://{str(video).replace(' ', '%20')}", OPEN) == first
    assert source_version(str(video.rename(tmp_path / "c.mp4")), OPEN) == first
    versions = {first}
    for data in (VIDEO[:-1], b"!" + VIDEO[1:], VIDEO[:-1] + b"!"):
        video.write_bytes(data)
        os.utime(video, ns=(status.st_atime_ns, status.st_mtime_ns))
        versions.add(source_version(str(video), OPEN))
    video.write_bytes(VIDEO)
    os.utime(video, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    versions.add(source_version(str(video), OPEN))
    assert len(versions) == 5


def test_an_empty_file_has_a_version(tmp_path: Path) -> None:
    """Whether an empty file is a video is for the decoder to say."""
    (tmp_path / "empty.mp4").touch()
    assert source_version(str(tmp_path / "empty.mp4"), OPEN).startswith("file-0-")


@both
def test_what_is_no_local_file(tmp_path: Path, act: Callable[[str], object]) -> None:
    """Missing files, folders and pipes are rejected, each with its reason, and nothing waits for a pipe."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    assert rejection(act, str(tmp_path / "none.mp4")).reason == RejectReason.VIDEO_NOT_FOUND
    assert rejection(act, str(tmp_path / "file" / "a.mp4")).reason == RejectReason.VIDEO_NOT_FOUND
    assert rejection(act, f"file://{tmp_path}/none.mp4").reason == RejectReason.VIDEO_NOT_FOUND
    folder, pipe = rejection(act, str(tmp_path)), rejection(act, str(tmp_path / "pipe"))
    assert (folder.reason, "folder" in folder.detail) == (RejectReason.VIDEO_UNREADABLE, True)
    assert (pipe.reason, "pipe" in pipe.detail) == (RejectReason.VIDEO_UNREADABLE, True)


@pytest.mark.parametrize("name", ["video.mp4", "no-head.mp4", "endless.mp4", "to-video", "video.mp4?token=a b/ü"])
def test_http_copies(server: str, name: str) -> None:
    """A copy over HTTP is whole, has the video's suffix, is private, and is gone afterwards."""
    with local_copy(f"{server}/{name}", OPEN) as path:
        assert path.read_bytes() == VIDEO
        assert path.suffix == Path(name.partition("?")[0]).suffix
        assert path.stat().st_mode & 0o077 == 0
    assert not path.exists()


@pytest.mark.parametrize("name", ["video.mp4", "no-head.mp4", "bare.mp4", "endless.mp4"])
def test_http_versions(server: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version is stable until the server says, or shows, that the file changed, and differs between URLs."""
    first = source_version(f"{server}/{name}", OPEN)
    assert source_version(f"{server}/{name}", OPEN) == first
    assert source_version(f"{server}/{name}?other", OPEN) != first
    monkeypatch.setattr(Handler, "etag", '"v2"')
    assert source_version(f"{server}/{name}", OPEN) != first


@both
@pytest.mark.parametrize(
    ("name", "reason", "says"),
    [
        ("404", RejectReason.VIDEO_NOT_FOUND, "no such file"),
        ("410", RejectReason.VIDEO_NOT_FOUND, "no such file"),
        ("403", RejectReason.VIDEO_NOT_FOUND, "access denied (the server answered 403 Forbidden)"),
        ("401", RejectReason.VIDEO_NOT_FOUND, "access denied"),
        ("500", RejectReason.SOURCE_UNAVAILABLE, "the server answered 500"),
        ("to-file", RejectReason.SOURCE_UNAVAILABLE, "not allowed"),
    ],
)
def test_http_errors(server: str, act: Callable[[str], object], name: str, reason: RejectReason, says: str) -> None:
    """Answers that are no video reject it with what the server said; a redirect to a local file is not followed."""
    error = rejection(act, f"{server}/{name}")
    assert error.reason == reason
    assert says in error.detail


@both
@pytest.mark.parametrize("host", ["127.0.0.1:1", "exa mple", "a..b", "127.0.0.1:port"])
def test_servers_that_do_not_answer(act: Callable[[str], object], host: str) -> None:
    """Nobody listening and addresses that are none reject the video."""
    assert rejection(act, f"http://{host}/a.mp4").reason == RejectReason.SOURCE_UNAVAILABLE


def test_a_connection_that_ends_early(server: str) -> None:
    """A body shorter than announced is no copy."""
    error = rejection(copy_whole, f"{server}/short.mp4")
    assert error.reason == RejectReason.SOURCE_UNAVAILABLE
    assert f"after {len(VIDEO)} of {len(VIDEO) + 7} bytes" in error.detail


def test_a_server_that_trickles_is_given_up(server: str) -> None:
    """However often it sends something: what counts is when all has arrived."""
    with (
        pytest.raises(UnreadableVideo, match=r"sources\.download_timeout_s") as caught,
        local_copy(f"{server}/trickle.mp4", OPEN.model_copy(update={"download_timeout_s": 0.2})),
    ):
        pass
    assert caught.value.reason == RejectReason.SOURCE_UNAVAILABLE


def test_a_copy_goes_whatever_happens(server: str) -> None:
    """An error inside the block is passed on as it is, and the copy is gone."""
    with pytest.raises(KeyError), local_copy(f"{server}/video.mp4", OPEN) as path:
        raise KeyError(path)
    assert not path.exists()


def test_a_missing_temporary_folder_is_not_the_videos_fault(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No place for a copy is an error of the machine that says what to do, not a rejection."""
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    with pytest.raises(StorageError, match="set TMPDIR"):
        copy_whole(f"{server}/video.mp4")


def test_a_full_disk_is_not_the_videos_fault(server: str) -> None:
    """A copy that does not fit is an error of the machine, and its beginning is gone."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(VIDEO) // 2, limits[1]))
    try:
        with pytest.raises(StorageError, match="free some space or set TMPDIR"):
            copy_whole(f"{server}/video.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_s3_copies_and_versions(s3_root: str) -> None:
    """An S3 object is copied whole; its version follows its contents, not its place."""
    with fsspec.open(f"{s3_root}/a b.mp4", "wb") as file:
        file.write(VIDEO * 5)
    with fsspec.open(f"{s3_root}/other.mp4", "wb") as file:
        file.write(VIDEO * 5)
    with local_copy(f"{s3_root}/a b.mp4", OPEN) as path:
        assert path.read_bytes() == VIDEO * 5
        assert path.suffix == ".mp4"
    assert not path.exists()
    first = source_version(f"{s3_root}/a b.mp4", OPEN)
    assert source_version(f"{s3_root}/other.mp4", OPEN) == first
    with fsspec.open(f"{s3_root}/a b.mp4", "wb") as file:
        file.write(VIDEO * 4 + VIDEO[::-1])
    assert source_version(f"{s3_root}/a b.mp4", OPEN) != first


@both
def test_what_is_no_s3_object(s3_root: str, act: Callable[[str], object]) -> None:
    """Missing objects and buckets and folders of objects are rejected."""
    with fsspec.open(f"{s3_root}/folder/a.mp4", "wb") as file:
        file.write(b"")
    assert rejection(act, f"{s3_root}/none.mp4").reason == RejectReason.VIDEO_NOT_FOUND
    assert rejection(act, "s3://no-such-bucket/none.mp4").reason == RejectReason.VIDEO_NOT_FOUND
    folder = rejection(act, f"{s3_root}/folder")
    assert (folder.reason, "folder" in folder.detail) == (RejectReason.VIDEO_UNREADABLE, True)


@pytest.mark.parametrize("act", [source_version, lambda uri, rules: local_copy(uri, rules).__enter__()])
def test_the_web_is_not_read_unless_it_may_be(server: str, act: Callable[[str, SourceSettings], object]) -> None:
    """A catalogue is input: neither its addresses nor what they redirect to are read without leave."""
    for rules, says in [
        (SourceSettings(), "sources.allow_http"),
        (SourceSettings(allow_http=True), "127.0.0.1, which is no public address"),
    ]:
        with pytest.raises(UnreadableVideo, match=says) as caught:
            act(f"{server}/video.mp4", rules)
        assert caught.value.reason is RejectReason.SOURCE_REFUSED


def test_a_redirect_to_a_private_address_is_refused(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host counts as public here; the one it leads to does not."""
    asked: list[str] = []

    def public_once(address: str) -> bool:
        asked.append(address)
        return len(asked) == 1

    monkeypatch.setattr(public_connection, "is_public", public_once)
    with pytest.raises(UnreadableVideo, match="no public address"):
        source_version(f"{server}/to-video", SourceSettings(allow_http=True))
    assert len(asked) == 2


def test_only_the_folders_that_are_allowed_are_read(video: Path, tmp_path: Path) -> None:
    """Links and dots do not lead out of them."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    rules = SourceSettings(allow_roots=(str(allowed),))
    (allowed / "own.mp4").write_bytes(VIDEO)
    (allowed / "link.mp4").symlink_to(video)
    assert source_version(str(allowed / "own.mp4"), rules)
    for uri in (str(video), f"file://{allowed}/../{video.name}", str(allowed / "link.mp4")):
        with pytest.raises(UnreadableVideo, match=r"sources\.allow_roots") as caught:
            source_version(uri, rules)
        assert caught.value.reason is RejectReason.SOURCE_REFUSED


def test_a_file_that_is_too_large_is_not_copied(server: str, tmp_path: Path) -> None:
    """Wherever it lies; of a server that never ends, no more is taken than allowed."""
    small = OPEN.model_copy(update={"max_video_mb": 1})
    large = tmp_path / "large.mp4"
    large.write_bytes(VIDEO)
    for uri in (str(large), f"{server}/video.mp4", f"{server}/endless.mp4"):
        with (
            pytest.raises(UnreadableVideo, match=r"sources\.max_video_mb, which is 1") as caught,
            local_copy(uri, small),
        ):
            pass
        assert caught.value.reason is RejectReason.VIDEO_TOO_LARGE


def test_a_copy_that_takes_too_long_is_given_up(server: str) -> None:
    """The error names the setting."""
    hasty = OPEN.model_copy(update={"download_timeout_s": 1e-9})
    with pytest.raises(UnreadableVideo, match=r"sources\.download_timeout_s"), local_copy(f"{server}/video.mp4", hasty):
        pass
