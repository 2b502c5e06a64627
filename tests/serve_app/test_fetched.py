"""Videos named by an address: off unless allowed, by the batch job's rules, with the result that an upload has."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.serve_app.ground import PRODUCT, Ground, endpoint

ALLOWED = {"settings": {"sources": {"allow_http": True, "allow_private_addresses": True}}}


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop(tmp_path: Path, film: bytes) -> Iterator[str]:
    """Address of a shop's server."""
    files = {"film.mp4": film, "page.mp4": b"<!doctype html>" * 99, "large.mp4": film[:64] + bytes(2 << 20)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def reader() -> Iterator[Ground]:
    """An endpoint that reads addresses, this machine's too."""
    with endpoint(**ALLOWED, limits={"max_upload_mb": 1}) as allowed:
        yield allowed


def ask(ground: Ground, address: str, **fields: str):
    """Ask for the video at an address."""
    form = {name: (None, text) for name, text in {"product": PRODUCT, "video_url": address, **fields}.items()}
    return ground.client.post("/v1/narrations", files=form)


def test_a_video_is_fetched_and_narrated_as_an_upload(reader: Ground, shop: str, film: bytes) -> None:
    """With the same result, key and all; clients can see that addresses are taken."""
    answer = ask(reader, f"{shop}/film.mp4")
    assert answer.status_code == 200, answer.text
    assert answer.json() | {"id": ""} == reader.narrate(film).json() | {"id": ""}
    assert reader.client.get("/v1/models").json()["video_url"] is True


def test_a_job_has_its_video_when_it_is_accepted(reader: Ground, shop: str) -> None:
    """What becomes of the address afterwards does not matter."""
    form = {"product": (None, PRODUCT), "video_url": (None, f"{shop}/film.mp4")}
    accepted = reader.client.post("/v1/jobs", files=form)
    assert accepted.status_code == 202, accepted.text
    form["video_url"] = (None, f"{shop}/none.mp4")
    refused = reader.client.post("/v1/jobs", files=form)
    assert (refused.status_code, refused.json()["code"]) == (422, "video_not_found")


def test_addresses_are_off_unless_they_are_allowed(ground: Ground, shop: str) -> None:
    """Nothing is asked of anybody."""
    answer = ask(ground, f"{shop}/film.mp4")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "video_url")
    assert "sources.allow_http" in answer.json()["errors"][0]["message"]
    assert ground.client.get("/v1/models").json()["video_url"] is False


def test_private_addresses_are_refused(shop: str) -> None:
    """Without telling what a name stands for in here."""
    with endpoint(settings={"sources": {"allow_http": True}}) as ground:
        for address in (f"{shop}/film.mp4", shop.replace("127.0.0.1", "localhost") + "/film.mp4", "http://[::1]/a.mp4"):
            answer = ask(ground, address)
            assert (answer.status_code, answer.json()["code"]) == (422, "source_refused")
            assert answer.json()["errors"][0]["field"] == "video_url"
            assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none.mp4", (422, "video_not_found")),
        ("page.mp4", (415, "not_a_video")),
        ("large.mp4", (413, "video_too_large")),
    ],
)
def test_what_cannot_be_used(reader: Ground, shop: str, name: str, expected: tuple[int, str]) -> None:
    """Each with its reason, and the field that names it."""
    answer = ask(reader, f"{shop}/{name}")
    assert (answer.status_code, answer.json()["code"]) == expected
    assert answer.json()["errors"][0]["field"] == "video_url"


@pytest.mark.parametrize(
    "address",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://bucket/film.mp4",
        "gopher://host/a",
        "http://me:secret@host/a.mp4",
        "x",
    ],
)
def test_what_is_no_address_of_the_web(reader: Ground, address: str) -> None:
    """Neither this machine's files nor its credentials for S3 are a client's."""
    answer = ask(reader, address)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "video_url"


def test_one_video_must_be_given(reader: Ground, shop: str, film: bytes) -> None:
    """Neither none nor two."""
    none = reader.client.post("/v1/narrations", files={"product": (None, PRODUCT)})
    assert [error["field"] for error in none.json()["errors"]] == ["video"]
    two = reader.narrate(film, video_url=f"{shop}/film.mp4")
    assert (two.status_code, two.json()["errors"][0]["field"]) == (422, "video_url")
