"""Whatever is killed in the middle of a run, its end is that of an undisturbed one.

Every video that came in is done or rejected, every one that is done is there once, all results are byte for byte those
of a run that nobody disturbed, and the next run leaves nothing half-written. Features are those of that run but for the
last digit of a token: which frames an encoder reads side by side changes how sums are rounded. What is killed is chosen
by process id, at a moment when results are there and others are not.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from narrator_ray.runs.published import open_latest
from narrator_ray.schema import VideoFeatures
from tests.integration.ground import Ground, count_in, kill_node, objects_in, wait_for, workers
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(300)]

NUM_VIDEOS = 24
FEW = 3
"""So many results are waited for before anything is killed."""
SETTINGS = ["run.videos_per_task=2", "run.narrate_lanes=1"]
DEADLY = ("video-07", "video-12")
"""One to decode, one to narrate."""
LITTER = ".tmp-0123456789abcdef"
DISK_BYTES = 32 << 20


def check_features(data: bytes, expected: bytes) -> None:
    """Features are the same but for the last digit of their float16 tokens."""
    found, wanted = VideoFeatures.from_arrow(data), VideoFeatures.from_arrow(expected)
    np.testing.assert_allclose(found.tokens_TQD, wanted.tokens_TQD, rtol=2**-10, atol=2**-14)
    assert replace(found, tokens_TQD=wanted.tokens_TQD).to_arrow() == expected


@dataclass
class Chaos:
    """What the scenarios share.

    Attributes:
        ground: The cluster.
        manifest: The catalogue that all of them narrate.
        folder: Where their outputs go.
        undisturbed: Output of a run that nobody disturbed.
        table: What came of each scenario.
    """

    ground: Ground
    manifest: str
    folder: Path
    undisturbed: Path
    table: list[tuple[str, ...]] = field(default_factory=list)

    def start(self, out: Path, deadly: Sequence[str] = ()) -> None:
        """Begin a run on the cluster."""
        self.ground.tell("narrate", manifest=self.manifest, out=str(out), settings=SETTINGS, deadly=deadly)

    def run(self, out: Path) -> dict[str, Any]:
        """A run from its beginning to its end."""
        self.start(out)
        return self.ground.answer()

    def wait_for_results(self, out: Path, folder: str = "narrations", num_results: int = FEW) -> None:
        """Until so many results are there."""
        wait_for(lambda: count_in(out, folder) >= num_results, f"results in {out}")

    def check(self, scenario: str, out: Path, ended: dict[str, Any], redone: int, num_rejected: int = 0) -> None:
        """The end of a run is that of an undisturbed one, but for what was rejected."""
        assert ended["num_videos"] == ended["num_narrated"] + ended["num_rejected"] == NUM_VIDEOS
        assert ended["num_rejected"] == num_rejected
        results, expected = objects_in(out, "narrations"), objects_in(self.undisturbed, "narrations")
        assert len(results) == NUM_VIDEOS - num_rejected
        assert results.items() <= expected.items()
        features, expected = objects_in(out, "features"), objects_in(self.undisturbed, "features")
        assert len(features) >= len(results)
        for name, data in features.items():
            check_features(data, expected[name])
        lines = published(out)
        assert set(lines) <= set(published(self.undisturbed))
        assert len(lines) == len(set(lines))
        assert len({json.loads(line)["video_id"] for line in lines}) == NUM_VIDEOS - num_rejected
        counts = (NUM_VIDEOS, ended["num_narrated"], num_rejected, redone)
        self.table.append((scenario, *map(str, counts), f"{ended['seconds']:.0f}"))

    def check_next(self, out: Path) -> None:
        """The next run has nothing to do and leaves nothing half-written."""
        assert self.run(out)["num_reused"] == NUM_VIDEOS
        assert not half_written(out)


def published(out: Path) -> list[str]:
    """The newest published table, a line a clip."""
    return (out / "runs" / open_latest(str(out)).run_id / "narrations.jsonl").read_text(encoding="utf-8").splitlines()


def half_written(out: Path) -> list[Path]:
    """Files that no writer finished."""
    return [path for path in out.rglob(".tmp-*") if path.is_file()]


def write_catalog(folder: Path) -> str:
    """Short videos, each with cuts of its own."""
    rows = []
    for number in range(NUM_VIDEOS):
        times_s = [n / 5 for n in range(15 + number)]
        path = write_video(folder / f"{number:02}.mp4", times_s=times_s, scene_s=1.5, size_px=(96, 72), fps=5)
        product = {"name": f"Mug {number}", "knowledge": {"effect": [f"keeps tea warm for {number + 2} hours"]}}
        rows.append({"video_id": f"video-{number:02}", "video": str(path), "product": product})
    manifest = folder / "catalog.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(manifest)


@pytest.fixture(scope="module")
def chaos(tmp_path_factory, request) -> Iterator[Chaos]:
    """A cluster and the output of an undisturbed run; the table is shown at the end."""
    folder = tmp_path_factory.mktemp("chaos")
    manifest, undisturbed = write_catalog(folder), folder / "undisturbed"
    ground = Ground(folder / "ground.log")
    shared = Chaos(ground, manifest, folder, undisturbed)
    ended = shared.run(undisturbed)
    shared.table.append(("undisturbed", *(str(n) for n in (NUM_VIDEOS, NUM_VIDEOS, 0, 0)), f"{ended['seconds']:.0f}"))
    assert (ended["num_narrated"], ended["snapshot"]["begun_again"]) == (NUM_VIDEOS, 0)
    yield shared
    ground.close()
    show(shared.table, request.config.pluginmanager.getplugin("terminalreporter"))


def show(table: list[tuple[str, ...]], terminal: Any) -> None:
    """The table of scenarios, whether tests pass or not."""
    terminal.ensure_newline()
    for row in [("scenario", "in", "done", "rejected", "redone", "seconds"), *table]:
        terminal.write_line(f"{row[0]:<38}" + "".join(f"{cell:>10}" for cell in row[1:]))


def break_off(chaos: Chaos, scenario: str, out: Path, started_s: float) -> int:
    """Take down what a run that ended early has left, and leave a half-written file beside it; how many were done."""
    num_kept = count_in(out, "narrations")
    assert FEW <= num_kept < NUM_VIDEOS
    assert not (out / "latest.json").exists()
    assert objects_in(out, "narrations").items() <= objects_in(chaos.undisturbed, "narrations").items()
    counts = (NUM_VIDEOS, num_kept, 0, NUM_VIDEOS - num_kept)
    chaos.table.append((scenario, *map(str, counts), f"{time.monotonic() - started_s:.0f}"))
    (out / "narrations" / LITTER).write_bytes(b"{")
    return num_kept


def finish(chaos: Chaos, scenario: str, out: Path, num_kept: int) -> None:
    """The next run keeps what is there, makes the rest and removes what was left half-written."""
    stamps = {path: path.stat().st_mtime_ns for path in (out / "narrations").rglob("*.json")}
    ended = chaos.run(out)
    assert ended["num_reused"] == num_kept
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    chaos.check(scenario, out, ended, ended["snapshot"]["begun_again"])
    assert not half_written(out)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a disk can only be mounted by root: {mounted.stderr}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass
    return ballast


def test_the_disk_is_full(chaos: Chaos, small_disk: Path):
    """The error says what and where; what was done is kept and whole, and with more room the next run ends well."""
    out, started_s = small_disk / "out", time.monotonic()
    chaos.start(out)
    chaos.wait_for_results(out)
    ballast = fill(small_disk)
    failed = chaos.ground.answer()
    assert failed["error"] == "StorageError"
    assert failed["message"].startswith(f"{out}/")
    assert failed["message"].endswith("cannot write: the disk is full: free some space or choose another place")
    assert not half_written(out)
    ballast.unlink()
    num_kept = break_off(chaos, "disk full", out, started_s)
    finish(chaos, "the run after that", out, num_kept)


def test_processes_are_killed(chaos: Chaos):
    """A decoding worker, the encoder and the narrator of one run: it goes on with others, and no video is blamed."""
    out = chaos.folder / "processes"
    chaos.start(out)
    for title, folder, num_results in (
        ("MapBatches(SlowDecoder)", "features", 0),
        ("MapBatches(SlowEncoder)", "features", FEW),
        ("MapBatches(SlowNarrator)", "narrations", FEW),
    ):
        chaos.wait_for_results(out, folder, num_results)
        worker = wait_for(lambda title=title: workers(chaos.ground.head, title), f"a worker at {title}")[0]
        worker.send_signal(signal.SIGKILL)
        assert count_in(out, folder) < NUM_VIDEOS
    ended = chaos.ground.answer()
    chaos.check("kill -9: worker, encoder, narrator", out, ended, ended["snapshot"]["begun_again"])
    chaos.check_next(out)


def test_a_node_is_killed(chaos: Chaos):
    """What was decoded, encoded or narrated there, or lay there, is made again elsewhere."""
    out = chaos.folder / "node"
    chaos.ground.tell("add_node", num_cpus=2)
    raylet = chaos.ground.answer()["raylet"]
    chaos.start(out)
    wait_for(lambda: workers(raylet, "MapBatches("), "work on the second node")
    kill_node(raylet)
    assert count_in(out, "narrations") < NUM_VIDEOS
    ended = chaos.ground.answer()
    chaos.check("kill -9 of a node", out, ended, ended["snapshot"]["begun_again"])
    chaos.check_next(out)


def test_deadly_videos(chaos: Chaos):
    """One kills the process that decodes it, one the narrator; both are rejected, those beside them are not."""
    out = chaos.folder / "deadly"
    chaos.start(out, DEADLY)
    ended = chaos.ground.answer()
    rejected = open_latest(str(out)).rejected.to_pylist()
    stages = {row["video_id"]: row["stage"] for row in rejected}
    assert stages == dict(zip(DEADLY, ("split_clips", "narrate_clips"), strict=True))
    assert all(row["reason"] == "worker_died" and "died, 2 times" in row["detail"] for row in rejected)
    chaos.check("two videos kill their processes", out, ended, ended["snapshot"]["begun_again"], len(DEADLY))
