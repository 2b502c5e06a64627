"""A run whose driver is stopped, then killed half-way, and started again finishes with every video exactly once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from narrator_ray.config import load_config
from narrator_ray.pipeline import narrate_catalog
from narrator_ray.runs.published import open_latest
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(600)]

NUM_VIDEOS = 12


SETTINGS = ("run.videos_per_task=1", "run.narrate_lanes=1")
"""The smallest unit of loss."""


def command(manifest: str, out: Path) -> list[str]:
    """The command line of the run."""
    pairs = [argument for setting in SETTINGS for argument in ("--set", setting)]
    base = [sys.executable, "-m", "narrator_ray", "narrate", manifest, "--out", str(out), "--preset", "tiny-random"]
    return base + pairs


def results_in(out: Path) -> list[Path]:
    """Narration objects written so far."""
    return sorted((out / "narrations").glob("*/*.json"))


def content(out: Path) -> dict[str, bytes]:
    """Every result by its name."""
    return {path.name: path.read_bytes() for path in results_in(out)}


def stop_half_way(manifest: str, out: Path, number: int, log: Path) -> tuple[int, int]:
    """Start a run, signal its driver once there is a new result; its exit code, and how many results were written."""
    before = len(results_in(out))
    with log.open("w") as messages, subprocess.Popen(command(manifest, out), stderr=messages) as run:
        deadline = time.monotonic() + 180
        while len(results_in(out)) == before and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(run.pid, number)
        code = run.wait(60)
    wait_until_quiet(out)
    return code, len(results_in(out))


def wait_until_quiet(out: Path) -> None:
    """Ray's workers end themselves when their driver is gone; wait until nothing is written any more."""
    seen = -1
    while (now := len(results_in(out))) != seen:
        seen = now
        time.sleep(3)


def test_a_killed_run_is_finished_by_the_next(local_ray, tmp_path, write_manifest):
    """No video is lost, none is narrated twice, nothing half-written is left, and all is as if nothing had happened."""
    video = str(write_video(tmp_path / "video.mp4"))
    rows = [{"video_id": f"v{n:02}", "video": video, "product": {"name": f"Mug {n}"}} for n in range(NUM_VIDEOS)]
    manifest, out, log = write_manifest(rows), tmp_path / "out", tmp_path / "log.txt"
    code, done_first = stop_half_way(manifest, out, signal.SIGTERM, log)
    assert code == 128 + signal.SIGTERM, log.read_text()
    assert "Traceback" not in log.read_text()
    code, done_before = stop_half_way(manifest, out, signal.SIGKILL, log)
    assert code == -signal.SIGKILL
    assert 0 < done_first < done_before < NUM_VIDEOS
    assert not (out / "latest.json").exists()
    stamps = {path: path.stat().st_mtime_ns for path in results_in(out)}

    finished = subprocess.run(command(manifest, out), capture_output=True, text=True, timeout=200, check=False)
    assert finished.returncode == 0, finished.stderr
    run = open_latest(str(out))
    clips = Counter((row["video_id"], row["clip_index"]) for row in run.narrations.to_pylist())
    assert set(clips.values()) == {1}
    assert {video_id for video_id, _ in clips} == {row["video_id"] for row in rows}
    record = json.loads((out / "runs" / run.run_id / "run.json").read_text())
    assert record["num_reused"] == done_before
    assert len(results_in(out)) == NUM_VIDEOS
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert not [path for path in out.rglob("*") if path.is_file() and "tmp" in path.name]

    narrate_catalog(manifest, str(tmp_path / "undisturbed"), load_config(preset="tiny-random", overrides=SETTINGS))
    assert content(out) == content(tmp_path / "undisturbed")
