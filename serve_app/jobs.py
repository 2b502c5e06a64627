"""Narrations that nobody waits for: kept with their video until they are done, whatever happens to who works on them.

    <id>/job.json        what was asked, and by whom
    <id>/video           the upload; removed when the job has ended
    <id>/try-<n>         written once by the replica that makes the n-th try
    <id>/state.json      how far it is; written anew every few seconds by who works on it
    <id>/cancelled       nobody wants it any more
    open/<id>            there as long as the job has not ended

Every ingress replica looks for jobs that nobody works on. One whose worker has not been heard of for a while is taken
over by another; after a few tries it has failed. The result is kept with the others, under the job's id.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Literal

from narrator_ray.errors import StorageError
from narrator_ray.records import JsonDict, Video
from narrator_ray.storage.storage import Storage
from serve_app.asked import Asked
from serve_app.problems import Problem

Status = Literal["waiting", "working", "done", "failed", "cancelled"]
ENDED: tuple[Status, ...] = ("done", "failed", "cancelled")
MOST_TRIES = 3
_SWEEP_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked.

    Attributes:
        caller: Who asked.
        asked: The video and its product.
        version: Version of the video's bytes.
        num_bytes: Size of the video.
        created_s: When it was asked, Unix time.
    """

    caller: str
    asked: Asked
    version: str
    num_bytes: int
    created_s: float

    @property
    def name(self) -> str:
        """Id of the job and of its result."""
        return self.asked.row.video_id


@dataclass(frozen=True, slots=True)
class JobState:
    """How far a job is.

    Attributes:
        status: In a word.
        heard_s: When its worker was last heard of, Unix time.
        num_clips: Clips found; 0 before.
        num_told: Clips narrated.
        problem: Why it failed.
    """

    status: Status
    heard_s: float
    num_clips: int = 0
    num_told: int = 0
    problem: JsonDict | None = None


def job_json(job: Job, state: JobState) -> JsonDict:
    """A job as its caller sees it."""
    shown = {"id": job.name, "status": state.status, "num_clips": state.num_clips, "num_told": state.num_told}
    if state.status == "done":
        shown["result"] = f"/v1/narrations/{job.name}"
    return shown if state.problem is None else {**shown, "error": state.problem}


class JobBook:
    """The jobs there are, for all ingress replicas.

    Args:
        storage: A place that all of them reach.
        keep_s: Seconds after which a job is forgotten.
        silence_s: Who works on a job and is not heard of for so many seconds is taken for dead.
    """

    def __init__(self, storage: Storage, keep_s: float, silence_s: float) -> None:
        self._storage = storage
        self._keep_s = keep_s
        self._silence_s = silence_s
        self._swept_s = 0.0

    def add(self, job: Job, video: Path) -> None:
        """Note a job; when this returns it will be done, whoever dies.

        Raises:
            StorageError: It cannot be written.
        """
        self._storage.write_file(f"{job.name}/video", video)
        data = {
            "caller": job.caller,
            "row": job.asked.row.to_json(),
            "seed": job.asked.seed,
            "version": job.version,
            "bytes": job.num_bytes,
            "created_s": job.created_s,
        }
        self._storage.write(f"{job.name}/job.json", json.dumps(data, ensure_ascii=False).encode())
        self._storage.write(f"open/{job.name}", b"")

    def get(self, name: str, caller: str) -> tuple[Job, JobState]:
        """A job of that caller.

        Raises:
            Problem: There is none.
        """
        try:
            job = self._job(name)
        except (StorageError, ValueError) as error:
            raise _unknown() from error
        if job.caller != caller:
            raise _unknown()
        return job, self._state(name)

    def num_open(self, caller: str) -> int:
        """Jobs of a caller that have not ended."""
        return sum(job.caller == caller for job in self._open_jobs())

    def cancel(self, name: str) -> None:
        """Say that nobody wants a job any more; one that nobody has begun has ended with that."""
        self._storage.write(f"{name}/cancelled", b"")
        if self._state(name).status == "waiting":
            self.end(name, JobState("cancelled", time.time()))

    def is_cancelled(self, name: str) -> bool:
        """Whether nobody wants it any more."""
        return self._storage.exists(f"{name}/cancelled")

    def claim(self) -> Job | None:
        """The oldest job that nobody works on, if there is one: this replica's now, until it is silent."""
        for job in self._open_jobs():
            state, tries = self._state(job.name), self._tries(job.name)
            if state.status in ENDED or max([state.heard_s, *tries]) > time.time() - self._silence_s:
                continue
            if len(tries) >= MOST_TRIES:
                self.end(job.name, replace(state, status="failed", problem=_gave_up().to_json()))
            elif self._storage.write_if_absent(f"{job.name}/try-{len(tries) + 1}", b""):
                return job
        return None

    def hear(self, name: str, state: JobState) -> None:
        """Note how far a job is, and that its worker lives."""
        data: JsonDict = {"status": state.status, "heard_s": time.time(), "num_clips": state.num_clips}
        data |= {"num_told": state.num_told, "problem": state.problem}
        self._storage.write(f"{name}/state.json", json.dumps(data, ensure_ascii=False).encode())

    def end(self, name: str, state: JobState) -> None:
        """Note how a job ended; its video is removed."""
        self.hear(name, state)
        self._storage.delete([f"open/{name}", f"{name}/video"])

    def copy_video(self, name: str, file: IO[bytes]) -> None:
        """Write the upload to a file."""
        with self._storage.opened(f"{name}/video") as video:
            shutil.copyfileobj(video, file)
        file.flush()

    def sweep(self) -> None:
        """Forget jobs that are too old, with all that belongs to them; now and then."""
        now_s = time.time()
        if now_s < self._swept_s + _SWEEP_EVERY_S:
            return
        self._swept_s = now_s
        keys_of = defaultdict[str, list[str]](list)
        for entry in self._storage.entries():
            folder, _, name = entry.key.partition("/")
            keys_of[name if folder == "open" else folder].append(entry.key)
        for name, keys in keys_of.items():
            if f"{name}/job.json" in keys and self._job(name).created_s < now_s - self._keep_s:
                self._storage.delete(keys)

    def _open_jobs(self) -> list[Job]:
        """Jobs that have not ended, the oldest first."""
        found = []
        for entry in self._storage.entries("open"):
            with suppress(StorageError):  # it ended a moment ago
                found.append(self._job(entry.key.partition("/")[2]))
        return sorted(found, key=lambda job: job.created_s)

    def _tries(self, name: str) -> list[float]:
        """When each try was begun."""
        return [entry.modified_at_s for entry in self._storage.entries(name) if "/try-" in entry.key]

    def _job(self, name: str) -> Job:
        data = json.loads(self._storage.read(f"{name}/job.json"))
        asked = Asked(Video.from_json(data["row"]), data["seed"])
        return Job(data["caller"], asked, data["version"], data["bytes"], data["created_s"])

    def _state(self, name: str) -> JobState:
        if not self._storage.exists(f"{name}/state.json"):
            return JobState("waiting", 0.0)
        data: dict[str, Any] = json.loads(self._storage.read(f"{name}/state.json"))
        return JobState(**data)


def _unknown() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "unknown_job", "there is no such job of yours, or not any more")


def _gave_up() -> Problem:
    detail = f"whoever worked on it died, {MOST_TRIES} times: try another video, or ask for it without a job"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "worker_died", detail)
