"""The same run submitted twice at once: both end well, nothing is there twice, and what is published is complete."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from narrator_ray.runs.published import open_latest
from narrator_ray.runs.run_folder import complete_runs
from narrator_ray.storage.storage import Storage
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(400)]

NUM_VIDEOS = 6


def start(manifest: str, out: Path) -> subprocess.Popen:
    """One run of the command line."""
    command = [sys.executable, "-m", "narrator_ray", "narrate", manifest, "--out", str(out), "--preset", "tiny-random"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ids_of_complete_latest(out: Path) -> list[str]:
    """What a reader sees at any moment; empty before the first publication."""
    if not (out / "latest.json").exists():
        return []
    run = open_latest(str(out))
    assert (out / "runs" / run.run_id / "run.json").exists()
    return sorted(set(run.narrations["video_id"].to_pylist()))


def test_the_same_run_twice_at_once(tmp_path, write_manifest):
    """Readers see no run or a whole one, all the time; every result is one object; both runs tell the same."""
    video = str(write_video(tmp_path / "video.mp4"))
    rows = [{"video_id": f"v{n}", "video": video, "product": {"name": f"Mug {n}"}} for n in range(NUM_VIDEOS)]
    manifest, out = write_manifest(rows), tmp_path / "out"
    runs = [start(manifest, out) for _ in range(2)]
    seen = set()
    while any(run.poll() is None for run in runs):
        seen.add(tuple(ids_of_complete_latest(out)))
        time.sleep(0.05)
    for run in runs:
        assert run.wait() == 0, run.stderr.read()
        run.communicate()
    whole = tuple(row["video_id"] for row in rows)
    assert {*seen, tuple(ids_of_complete_latest(out))} <= {(), whole}
    storage = Storage.open(str(out))
    published = complete_runs(storage)
    assert len(published) == 2
    assert len(list(storage.keys("narrations"))) == NUM_VIDEOS
    assert json.loads(storage.read("latest.json"))["run_id"] in published
    clips = Counter((row["video_id"], row["clip_index"]) for row in open_latest(str(out)).narrations.to_pylist())
    assert set(clips.values()) == {1}
    tables = [storage.read(f"runs/{run_id}/narrations.jsonl") for run_id in published]
    assert tables[0] == tables[1]
