"""The nightly job on a job server: submitted, stopped half-way, submitted again."""

import json
import sys
import time
from pathlib import Path

import pytest

from narrator_ray.demo import write_catalog
from narrator_ray.runs.published import open_latest
from tests.integration.ground import Ground, count_in

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
NUM_FILMS, TELLINGS = 2, 4
PATIENCE_S = 240.0
FINISHED = ("SUCCEEDED", "FAILED", "STOPPED")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Ray of its own with a job server."""
    ground = Ground(tmp_path_factory.mktemp("jobs") / "log", "tests.integration.job_ground")
    yield ground
    ground.close()


def write_shop(folder: Path) -> Path:
    """A drawn shop in which every film shows several products."""
    drawn = write_catalog(folder, NUM_FILMS, seed=3)
    rows = [json.loads(line) for line in drawn.read_text(encoding="utf-8").splitlines()]
    manifest = folder / "shop.jsonl"
    with manifest.open("w", encoding="utf-8") as file:
        for row in rows:
            for number in range(TELLINGS):
                product = row["product"] | {"name": f"{row['product']['name']} {number}"}
                file.write(json.dumps(row | {"video_id": f"{row['video_id']}-{number}", "product": product}) + "\n")
    return manifest


def write_job(folder: Path, catalog: Path, out: Path) -> Path:
    """The job's file, with the smallest unit of loss."""
    run = {"videos_per_task": 1, "narrate_lanes": 1, "max_rejected_fraction": 0.0}
    sample = {"videos": 4, "metrics": ["word_length", "repetition"], "least": {"word_length": 1}}
    job = {
        "catalog": str(catalog),
        "out": str(out),
        "sample": sample,
        "settings": {"model": {"preset": "tiny-random"}, "run": run},
    }
    path = folder / "nightly.yaml"
    path.write_text(json.dumps(job), encoding="utf-8")
    return path


def ask(server: Ground, do: str, **command: str) -> dict:
    """One command and its answer."""
    server.tell(do, **command)
    return server.answer()


def end_of(server: Ground, job_id: str) -> dict:
    """What a job came to."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := ask(server, "info", id=job_id))["status"] not in FINISHED:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def stop_half_way(server: Ground, job_id: str, out: Path) -> dict:
    """Stop a job once its first result is there; what it came to."""
    deadline = time.monotonic() + PATIENCE_S
    while not count_in(out, "narrations"):
        assert time.monotonic() < deadline, ask(server, "info", id=job_id)
        time.sleep(0.02)
    ask(server, "stop", id=job_id)
    return end_of(server, job_id)


def test_a_night_is_stopped_and_the_next_goes_on(server, tmp_path):
    """SIGTERM ends the job in order with nothing published; the next narrates the rest, judges a sample, publishes."""
    out = tmp_path / "out"
    entrypoint = f"{sys.executable} jobs/nightly.py --config {write_job(tmp_path, write_shop(tmp_path), out)}"
    submission = {"entrypoint": entrypoint, "working_dir": str(ROOT)}

    first = ask(server, "submit", submission_id="night-1", **submission)["id"]
    stopped = stop_half_way(server, first, out)
    assert stopped["status"] == "STOPPED", stopped
    assert "what was done so far is kept" in stopped["logs"], stopped["logs"]
    assert json.loads((out / "nightly.json").read_text())["exit_code"] == 143
    assert not (out / "latest.json").exists()
    stamps = {path: path.stat().st_mtime_ns for path in (out / "narrations").glob("*/*.json")}
    assert 0 < len(stamps) < NUM_FILMS * TELLINGS

    assert "night-1" in ask(server, "submit", submission_id="night-1", **submission)["error"]
    second = ask(server, "submit", submission_id="night-2", **submission)["id"]
    done = end_of(server, second)
    assert (done["status"], done["exit_code"]) == ("SUCCEEDED", 0), done
    record = json.loads((out / "nightly.json").read_text())
    assert (record["exit_code"], record["is_published"], record["num_narrated"]) == (0, True, NUM_FILMS * TELLINGS)
    assert len(stamps) <= record["num_reused"] < NUM_FILMS * TELLINGS
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert record["sample"]["videos"] > 0 and not record["sample"]["shortfalls"]
    assert open_latest(str(out)).run_id == record["run_id"]
    lines = [json.loads(line) for line in done["logs"].splitlines() if line.startswith('{"time"')]
    assert len(lines) == NUM_FILMS * TELLINGS - record["num_reused"]
    assert "videos: " in done["logs"] and "\x1b[" not in done["logs"]
