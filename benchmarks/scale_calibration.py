"""Real runs that the simulation is held to: the pipeline's own graph on a local Ray, with stages that sleep.

All of a run is there but for decoding and models: planned blocks, tasks, replicas, guards, the board, the driver. What
a stage would compute it sleeps, so that four logical workers work on a machine with two cores.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
from scale_model import Graph
from scale_night import Costs, Night
from stage_notes import effort, noted, start_up_end_s

from narrator_ray.config import Config, load_config
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.outputs.table_file import TableFile
from narrator_ray.pipeline import STAGES, Resolved, narration_graph, videos_per_block
from narrator_ray.records import Product, Video
from narrator_ray.runs.last_run import REJECTED_FILE, VIDEOS_FILE
from narrator_ray.runs.merged_tables import merge_tables
from narrator_ray.runs.run_tables import NARRATIONS_FILE, NARRATIONS_LINES
from narrator_ray.runs.tally import Tally
from narrator_ray.runs.work import WorkItem
from narrator_ray.schema import NARRATIONS, PLANNED, REJECTED, VIDEOS
from narrator_ray.stages.item import rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter, RunStart
from narrator_ray.stages.stage import Machine, Stage
from narrator_ray.storage.storage import Storage

WORKERS = (1, 2, 4)
VIDEOS_A_WORKER = 60
ASLEEP = Costs(
    decode_s=0.05,
    fetch_s=0.0,
    encode_s=0.05,
    narrate_s=0.25,
    lane_share=0.0,
    length_sigma=0.0,
    slow_share=0.0,
    frames_mb=0.01,
)
STEPS = {
    "decode_video": ("split_clips", "sample_frames"),
    "encode_features": ("encode_features",),
    "prepare_context": ("prepare_context",),
    "narrate_clips": ("narrate_clips",),
}
"""What each stage tells the board of a video."""
SECONDS = {"decode_video": "decode_s", "encode_features": "encode_s", "narrate_clips": "narrate_s"}
MERGED_ROWS, MERGED_RUNS = 40_000, 4
_TURN = threading.Lock()


class Sleeper:
    """A stage that sleeps for every video, one video at a time whoever calls, and hands rows on.

    Args:
        board: Progress board.
        steps: What it tells the board of.
        seconds: For a video.
    """

    def __init__(self, board: Any, steps: tuple[str, ...], seconds: float) -> None:
        self._reporters = [(step, ProgressReporter(board, step)) for step in steps]
        self._seconds = seconds

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of PLANNED to table of PLANNED."""
        rows = rows_of(batch)
        with _TURN:
            time.sleep(self._seconds * len(rows))
        for row in rows:
            for step, reporter in self._reporters:
                row.finish(step, True)
                reporter.finish(row)
        return table_of((row.output() for row in rows), PLANNED)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a real run took.

    Attributes:
        seconds: From when replicas were ready to the end of the last call of a narrator.
        all_s: From the first block to the last row, without the start.
        driver_s: CPU seconds of the driver, from when the board was ready.
        board_s: CPU seconds of the board, likewise.
    """

    seconds: float
    all_s: float
    driver_s: float
    board_s: float


def run_asleep(num_videos: int, workers: int, costs: Costs, config: Config) -> Ran:
    """The graph with so many decoders, encoders and narrators, which sleep."""
    with tempfile.TemporaryDirectory() as name, local_ray(workers):
        from narrator_ray.stages.execute import execute_graph

        shared, notes = _resolved(Path(name), config), Path(name, "notes")
        notes.mkdir()
        graph: list[Stage] = []
        spent: list[tuple[float, float]] = []

        def stages(machine: Machine, board: Any) -> list[Stage]:
            board.begin.remote(RunStart(num_videos, STAGES[-1]))
            sleeping = [_asleep(stage, board, costs) for stage in narration_graph(shared, machine, board, True)]
            graph.extend(noted(sleeping, notes, num_videos, machine))
            return graph

        def look(_: Any) -> None:
            if board := cpu_of("RunBoard"):
                spent.append((time.process_time(), board))

        execute_graph(stages, items(num_videos), videos_per_block(config, num_videos), Tally(STAGES).add, look)
        ended_s, begin_s = time.time(), start_up_end_s(graph, notes)
        last_s = effort(graph[-1].name, notes).end_s
        driver_s, board_s = (last - first for first, last in zip(spent[0], spent[-1], strict=True))
        return Ran(last_s - begin_s, ended_s - begin_s, driver_s, board_s)


def predicted_s(num_videos: int, workers: int, costs: Costs, config: Config) -> float:
    """The same, simulated."""
    night = Night(num_videos, workers, decode_cores=workers, lanes=config.run.narrate_lanes, config=config)
    return Graph(night, costs, 1).run()


def sleeping_config(workers: int, videos_per_task: int = 4, lanes: int = 64) -> Config:
    """Settings of a run with so many replicas of either model."""
    run = {"encoder_actors": workers, "narrator_actors": workers, "videos_per_task": videos_per_task}
    run |= {"narrate_lanes": lanes}
    return load_config(preset="tiny-random", overrides=[f"run.{name}={value}" for name, value in run.items()])


def driver_costs(few: int, many: int) -> Costs:
    """What tasks, rows and the board cost, from two runs that do nothing, one in small and one in large blocks."""
    awake = replace(ASLEEP, decode_s=0.0, encode_s=0.0, narrate_s=0.0)
    rans, tasks = [], []
    for size in (few, many):
        config = sleeping_config(2, size)
        rans.append(run_asleep(RAN_ROWS, 2, awake, config))
        tasks.append(4 * RAN_ROWS / size)
        print(
            f"  blocks of {size:>2}: {RAN_ROWS / rans[-1].all_s:>6.0f} rows/s; CPU a row: driver "
            f"{rans[-1].driver_s / RAN_ROWS * 1e3:.2f} ms, board {rans[-1].board_s / RAN_ROWS * 1e3:.2f} ms",
            flush=True,
        )
    task_s = max(0.0, (rans[0].driver_s - rans[1].driver_s) / (tasks[0] - tasks[1]))
    row_s = max(0.0, rans[1].driver_s - task_s * tasks[1]) / RAN_ROWS
    return replace(ASLEEP, task_s=task_s, row_s=row_s, board_s=rans[0].board_s / RAN_ROWS)


RAN_ROWS = 800


def merge_rate() -> float:
    """Rows a second that are appended to published tables, from local disk to local disk."""
    clip = {field.name: None for field in NARRATIONS} | {
        "video_id": "mug",
        "narration": "It keeps your coffee warm for two hours, wherever you take it.",
        "key": "0" * 32,
        "features_key": "1" * 32,
        "product_name": "Sunny mug",
    }
    video = {"video_id": "mug", "is_narrated": True, "source_version": "s3-0", "row_fingerprint": "2" * 32}
    with tempfile.TemporaryDirectory() as name:
        storage, runs = Storage.open(name), [f"run-{place}" for place in range(MERGED_RUNS)]
        for run in runs:
            folder = Path(name, run)
            folder.mkdir()
            with (
                TableFile(folder / NARRATIONS_FILE, NARRATIONS, folder / NARRATIONS_LINES) as clips,
                TableFile(folder / VIDEOS_FILE, VIDEOS) as videos,
                TableFile(folder / REJECTED_FILE, REJECTED),
            ):
                for number in range(MERGED_ROWS // MERGED_RUNS):
                    own = {"video_id": f"mug-{number:07d}"}
                    clips.add([clip | own] * 5)
                    videos.add([video | own | {"features_key": "1" * 32, "key": "0" * 32}])
        Path(name, "out").mkdir()
        started = time.perf_counter()
        merge_tables(storage, runs, Path(name, "out"))
        return MERGED_ROWS / (time.perf_counter() - started)


def items(num_videos: int) -> Iterator[WorkItem]:
    """Videos that nobody opens."""
    for number in range(num_videos):
        video = Video(f"mug-{number:07d}", f"/films/{number:07d}.mp4", Product(f"Mug {number}"), "en")
        yield WorkItem(video, "1", f"{number:032x}", f"{number:032x}", False, False)


def cpu_of(title: str) -> float:
    """CPU seconds of the worker of this program's own Ray with that title."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if title in " ".join(process.cmdline()):
                times = process.cpu_times()
                spent += times.user + times.system
    return spent


@contextmanager
def local_ray(workers: int) -> Iterator[None]:
    """A Ray with a logical CPU for every worker."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))))
    import ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()


def _resolved(folder: Path, config: Config) -> Resolved:
    preset = find_preset(config.model.preset)
    return Resolved(config, preset, prepare_model(preset), ResultStore.open(str(folder)))


def _asleep(stage: Stage, board: Any, costs: Costs) -> Stage:
    seconds = getattr(costs, SECONDS[stage.name]) if stage.name in SECONDS else 0.0
    arguments = {"board": board, "steps": STEPS[stage.name], "seconds": seconds}
    num_cpus = 0.9 if stage.name == "decode_video" else 0.01
    return replace(stage, callable_class=Sleeper, arguments=arguments, num_cpus=num_cpus)
