"""Jobs: done without anybody waiting, by whoever lives, once; and gone when they have ended."""

import io
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from narrator_ray.errors import StorageError
from narrator_ray.records import Product, Video
from narrator_ray.storage.storage import Storage
from serve_app import jobs
from serve_app.asked import Asked
from serve_app.jobs import Job, JobBook, JobState
from serve_app.problems import Problem
from tests.serve_app.ground import KEYS, PRODUCT, Ground, endpoint

PATIENCE_S = 60.0
CLIPS = "[[0, 2], [2, 4], [4, 6]]"


@pytest.fixture
def book(tmp_path: Path) -> JobBook:
    """An empty book."""
    return book_in(tmp_path)


def book_in(folder: Path, silence_s: float = 20.0) -> JobBook:
    """The book there."""
    return JobBook(Storage.open(str(folder / "jobs")), 1000.0, silence_s)


def make_job(name: str, created_s: float = 0.0) -> Job:
    """What is asked."""
    row = Video(name, "/upload", Product("Mug"), "en")
    return Job("north", Asked(row, None), "upload-1", 3, created_s or time.time())


@pytest.fixture
def add(book: JobBook, tmp_path: Path) -> Callable[..., Job]:
    """Notes a job of that name."""

    def note(name: str, created_s: float = 0.0) -> Job:
        (tmp_path / "film").write_bytes(b"abc")
        book.add(job := make_job(name, created_s), tmp_path / "film")
        return job

    return note


def test_a_job_is_claimed_once(book: JobBook, add: Callable[..., Job]) -> None:
    """The oldest first; not again as long as its worker is heard of, however often it is asked for."""
    second, first = add("second", time.time()), add("first", time.time() - 5)
    assert [book.claim(), book.claim(), book.claim()] == [first, second, None]
    book.hear("first", JobState("working", 0.0, 3, 1))
    assert book.claim() is None
    assert replace(book.get("first", "north")[1], heard_s=0.0) == JobState("working", 0.0, 3, 1)
    book.copy_video("first", file := io.BytesIO())
    assert file.getvalue() == b"abc"


def test_who_is_silent_loses_its_job(tmp_path: Path, add: Callable[..., Job]) -> None:
    """To whoever asks; after a few tries it has failed, and its video is gone."""
    job, book = add("job"), book_in(tmp_path, silence_s=-1.0)
    assert [book.claim() for _ in range(jobs.MOST_TRIES)] == [job] * jobs.MOST_TRIES
    assert book.claim() is None
    state = book.get("job", "north")[1]
    assert (state.status, state.problem["code"]) == ("failed", "worker_died")
    with pytest.raises(StorageError, match="video"):
        book.copy_video("job", io.BytesIO())
    assert book.claim() is None


def test_what_has_ended_stays_so(book: JobBook, add: Callable[..., Job]) -> None:
    """Done or cancelled, before or after it was begun; open jobs are counted by caller."""
    add("done"), add("begun"), add("waiting")
    assert (book.num_open("north"), book.num_open("south")) == (3, 0)
    book.end("done", JobState("done", 0.0, 2, 2))
    book.hear("begun", JobState("working", 0.0))
    for name in ("begun", "waiting"):
        book.cancel(name)
        assert book.is_cancelled(name)
    assert [book.get(name, "north")[1].status for name in ("begun", "waiting")] == ["working", "cancelled"]
    book.end("begun", JobState("cancelled", 0.0))
    assert book.claim() is None
    assert book.num_open("north") == 0


def test_jobs_are_forgotten_after_a_while(book: JobBook, add: Callable[..., Job]) -> None:
    """With all that belongs to them; and are nobody else's before."""
    add("old", time.time() - 2000)
    add("young")
    with pytest.raises(Problem):
        book.get("young", "south")
    book.sweep()
    with pytest.raises(Problem):
        book.get("old", "north")
    assert book.get("young", "north")


def ask(ground: Ground, film: bytes, **fields: str) -> dict[str, Any]:
    """A job over HTTP."""
    answer = ground.client.post("/v1/jobs", data={"product": PRODUCT} | fields, files={"video": ("film.mp4", film)})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()


def ended(ground: Ground, job: dict[str, Any]) -> dict[str, Any]:
    """How it ended."""
    deadline = time.monotonic() + PATIENCE_S
    while (state := ground.client.get(f"/v1/jobs/{job['id']}").json())["status"] in ("waiting", "working"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return state


def test_a_job_is_done_and_its_result_is_that_of_a_request(ground: Ground, film: bytes) -> None:
    """Under the job's id; wrong requests are told at once."""
    job = ask(ground, film, clips=CLIPS)
    state = ended(ground, job)
    assert (state["status"], state["num_clips"], state["num_told"]) == ("done", 3, 3)
    result = ground.client.get(state["result"]).json()
    assert result | {"id": ""} == ground.narrate(film, clips=CLIPS).json() | {"id": ""}
    assert result["id"] == job["id"]
    wrong = ground.client.post("/v1/jobs", data={"product": ""}, files={"video": ("film.mp4", film)})
    assert wrong.status_code == 422


def test_a_job_that_fails_says_why(ground: Ground, film: bytes) -> None:
    """As a request would."""
    state = ended(ground, ask(ground, film[:64] + bytes(5000)))
    assert (state["status"], state["error"]["code"]) == ("failed", "video_unreadable")


def test_a_cancelled_job_ends(film: bytes) -> None:
    """Also while it is being narrated, which stops."""
    import asyncio

    class Endless:
        def __init__(self) -> None:
            self.num_at_work = 0

        async def narrate(self, item, job):
            self.num_at_work += 1
            try:
                await asyncio.sleep(1000)
                yield None
            finally:
                self.num_at_work -= 1

    narrator = Endless()
    with endpoint(narrator=narrator) as ground:
        job = ask(ground, film)
        while not narrator.num_at_work:
            time.sleep(0.01)
        assert ground.client.post(f"/v1/jobs/{job['id']}:cancel").status_code == 200
        assert ended(ground, job)["status"] == "cancelled"
        assert narrator.num_at_work == 0


def test_so_many_jobs_of_one_caller(film: bytes) -> None:
    """More are told to come back later; another caller's are its own."""
    north, south = ({"X-API-Key": f"key of {name}"} for name in ("north", "south"))
    with endpoint(access={"api_keys": KEYS, "max_jobs": 1}, jobs_at_once=0) as ground:
        ground.client.headers.update(north)
        job = ask(ground, film)
        again = ground.client.post("/v1/jobs", data={"product": PRODUCT}, files={"video": ("film.mp4", film)})
        assert (again.status_code, again.json()["code"]) == (429, "too_many_requests")
        assert ground.client.get(f"/v1/jobs/{job['id']}", headers=south).status_code == 404
        assert ground.client.post(f"/v1/jobs/{job['id']}:cancel", headers=south).status_code == 404
        assert ground.client.get(f"/v1/jobs/{job['id']}").json()["status"] == "waiting"
