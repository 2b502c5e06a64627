"""What a large catalogue costs the driver: rows/s and peak memory of reading, planning, executing and publishing.

    python benchmarks/manifest.py                      # 10^4, 10^5, 10^6 rows, each in a process of its own
    python benchmarks/manifest.py --rows 1000000       # one size, in this process
    python benchmarks/manifest.py --keys 1000000       # list that many empty objects on local disk
    python benchmarks/manifest.py --ray 100000         # through a Ray graph whose one stage does nothing

The model does nothing: every result is the same narration, made in memory. Everything else is what a run does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from narrator_ray.catalog.catalog import Catalog
from narrator_ray.catalog.manifest import open_catalog
from narrator_ray.config import SourceSettings, load_config
from narrator_ray.cost import NO_COST
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, NarratedVideo, Narration, Product, ScriptLabel
from narrator_ray.runs.plan import RunPlan, plan_run
from narrator_ray.runs.publish import RunRecord, new_run_id, publish_run
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.tally import Tally
from narrator_ray.runs.work import Fingerprints
from narrator_ray.schema import PLANNED
from narrator_ray.stages.item import rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter, RunStart
from narrator_ray.stages.stage import Machine, Stage

SIZES = (10_000, 100_000, 1_000_000)
STAGE = "narrate_clips"
NUM_CLIPS = 5
PRINTS = Fingerprints("e" * 64, "n" * 64, "p")
CONFIG = load_config(preset="tiny-random", overrides=["report.max_videos=100"])


@dataclass(frozen=True, slots=True)
class MemoryStore(ResultStore):
    """A store that makes every result when it is asked for it."""

    def get_narration(self, key: str) -> NarratedVideo:
        """The same narrations under any key."""
        return replace(_RESULT, key=key)


class Nothing:
    """A stage that hands rows on.

    Args:
        board: Progress board.
    """

    def __init__(self, board: Any) -> None:
        self._progress = ProgressReporter(board, STAGE)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of PLANNED to table of PLANNED, through the same code as a real stage's."""
        rows = rows_of(batch)
        for row in rows:
            row.finish(STAGE, True)
            self._progress.finish(row)
        return table_of((row.output() for row in rows), PLANNED)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--rows", "--keys", "--ray"):
        parser.add_argument(name, type=int)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.keys:
            measure_keys(Path(folder), asked.keys)
        elif asked.rows or asked.ray:
            measure_run(Path(folder), asked.rows or asked.ray, is_ray=bool(asked.ray))
        else:
            for size in SIZES:
                subprocess.run([sys.executable, __file__, "--rows", str(size)], check=True)  # noqa: S603


def measure_run(folder: Path, num_rows: int, is_ray: bool) -> None:
    """A first night and an unchanged second one."""
    print(f"{num_rows} rows; {peak_mb():.0f} MB before")
    manifest = write_manifest(folder / "catalog.jsonl", num_rows)
    store = MemoryStore.open(str(folder / "out"))
    with measured("read and check", num_rows):
        catalog = open_catalog(str(manifest))
    with measured("plan", num_rows):
        plan = plan_run(catalog, store, CONFIG, PRINTS, version_of)
    tally = Tally([STAGE])
    with measured("execute (Ray)" if is_ray else "execute (in process)", num_rows):
        run_on_ray(plan, tally) if is_ray else run_here(plan, tally)
    with measured("publish", num_rows):
        publish(store, catalog, plan, tally)
    with measured("plan again, compared", num_rows):
        plan_run(catalog, store, CONFIG, PRINTS, version_of)


def run_here(plan: RunPlan, tally: Tally) -> None:
    """Every item done at once."""
    for item in plan.to_do:
        tally.add(Outcome(item.narration_key, None, {STAGE: NO_COST}))


def run_on_ray(plan: RunPlan, tally: Tally) -> None:
    """Every item through Ray Data."""
    from narrator_ray.pipeline import videos_per_block
    from narrator_ray.stages.execute import execute_graph

    def graph(machine: Machine, board: Any) -> list[Stage]:
        board.begin.remote(RunStart(plan.num_to_do, STAGE))
        return [Stage("nothing", Nothing, {"board": board}, batch_videos=64, num_cpus=1.0)]

    execute_graph(graph, plan.to_do, videos_per_block(CONFIG, plan.num_to_do), tally.add, lambda snapshot: None)


def publish(store: ResultStore, catalog: Catalog, plan: RunPlan, tally: Tally) -> None:
    """With the smallest model's description."""
    preset = find_preset("tiny-random")
    model = prepare_model(preset)
    publish_run(
        store, catalog, plan, tally, RunRecord(new_run_id(), "catalog", CONFIG, preset, model, PRINTS, time.time())
    )


def measure_keys(folder: Path, num_keys: int) -> None:
    """Real empty objects on this disk, listed and joined with as many keys."""
    store = ResultStore.open(str(folder))
    for number in range(num_keys):
        path = folder / store.narration_path(key_of(number))
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        path.touch()
    print(f"{num_keys} objects; {peak_mb():.0f} MB before")
    with measured("list", num_keys):
        known = store.known_narrations()
    with measured("join with half of them", num_keys):
        num_known = sum(key_of(number) in known for number in range(num_keys // 2, num_keys + num_keys // 2))
    assert (len(known), num_known) == (num_keys, num_keys - num_keys // 2)


def write_manifest(path: Path, num_rows: int) -> Path:
    """A product of six facts a row, as JSON lines."""
    knowledge = {"material": ["brushed steel", "no plastic inside"], "effect": ["keeps coffee hot for 2 hours"] * 4}
    with path.open("w") as file:
        for number in range(num_rows):
            product = {"name": f"Sunny mug {number}", "knowledge": knowledge}
            row = {"video_id": f"mug-{number:07d}", "video": f"s3://shop/films/{number:07d}.mp4", "product": product}
            file.write(json.dumps({**row, "extra": {"sku": f"SKU-{number:09d}"}}) + "\n")
    return path


def version_of(uri: str, rules: SourceSettings) -> str:
    """As long as a version of S3."""
    return f"s3-{hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest()}-123456"


def key_of(number: int) -> str:
    """A key like any other."""
    return hashlib.sha256(b"%d" % number).hexdigest()[:32]


@contextmanager
def measured(what: str, num_rows: int) -> Iterator[None]:
    """Print seconds, rows a second, and the highest memory of this process so far."""
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    print(f"{what:24s} {seconds:8.1f} s {num_rows / seconds:10.0f} rows/s   peak {peak_mb():6.0f} MB", flush=True)


def peak_mb() -> float:
    """Highest resident memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


_CLIPS = tuple(
    Narration(n, Clip(2.0 * n, 2.0 * n + 2), (ScriptLabel.OTHERS,), "generated", "It keeps warm.", 3, 2, 8, 2, (0.5,))
    for n in range(NUM_CLIPS)
)
_RESULT = NarratedVideo("mug", "0" * 32, "0" * 32, "/mug.mp4", Product("Mug"), "en", _CLIPS, "decord", 10.0, "none")

if __name__ == "__main__":
    main()
