"""Stages that note when they work and what it costs, for benchmarks. Their results are those of the stages inside.

Notes are lines of JSON in a folder that all workers of one machine see. A stage may be told to wait until replicas of
others are ready, so that what is measured begins after start-up.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from narrator_ray.stages.stage import Machine, Stage, first_replicas

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Note:
    """One call of a stage.

    Attributes:
        pid: Of the worker.
        start_s: When it began, in seconds since the epoch.
        end_s: When it ended.
        start_cpu_s: Core-seconds that the worker and its children had spent when it began.
        end_cpu_s: And when it ended.
        num_frames: Frames that it was given, 0 where rows hold none.
    """

    pid: int
    start_s: float
    end_s: float
    start_cpu_s: float
    end_cpu_s: float
    num_frames: int


@dataclass(frozen=True, slots=True)
class Effort:
    """What a stage did in all.

    Attributes:
        busy_s: Seconds in which at least one of its calls was at work.
        cpu_s: Core-seconds spent meanwhile.
        frames_per_call: Frames of each call.
        start_s: When its first call began, in seconds since the epoch.
        end_s: When its last call ended.
    """

    busy_s: float
    cpu_s: float
    frames_per_call: tuple[int, ...]
    start_s: float
    end_s: float


class NotedStage:
    """A stage that notes its calls.

    Args:
        name: Of the stage.
        inner: Its class.
        arguments: Of its constructor.
        folder: Where notes go.
        wait_for: How many replicas of which stages must be ready before the first call.
    """

    def __init__(
        self, name: str, inner: type, arguments: dict[str, Any], folder: Path, wait_for: Mapping[str, int]
    ) -> None:
        self._stage = inner(**arguments)
        self._name = name
        self._folder = folder
        self._wait_for = wait_for
        (folder / f"{name}@{os.getpid()}.ready").touch()

    def __call__(self, batch: pa.Table) -> pa.Table:
        """What the stage inside gives."""
        while any(len(_ready(self._folder, name)) < count for name, count in self._wait_for.items()):
            time.sleep(POLL_S)
        start_s, start_cpu_s = time.time(), core_seconds()
        result = self._stage(batch)
        times = batch["time_s"].to_pylist() if "time_s" in batch.column_names else []
        num_frames = sum(len(of_video or ()) for of_video in times)
        note = Note(os.getpid(), start_s, time.time(), start_cpu_s, core_seconds(), num_frames)
        with (self._folder / f"{self._name}.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(note)) + "\n")
        return result


def noted(stages: Iterable[Stage], folder: Path, num_videos: int, machine: Machine) -> list[Stage]:
    """The same stages, noting; the first waits until all replicas that so many videos start with are ready."""
    graph = list(stages)
    replicas = first_replicas(graph, num_videos, machine)
    return [
        replace(
            stage,
            callable_class=NotedStage,
            arguments={
                "name": stage.name,
                "inner": stage.callable_class,
                "arguments": stage.arguments,
                "folder": folder,
                "wait_for": replicas if stage is graph[0] else {},
            },
        )
        for stage in graph
    ]


def start_up_end_s(stages: Iterable[Stage], folder: Path) -> float:
    """When the last replica was ready, in seconds since the epoch."""
    files = [file for stage in stages if stage.num_actors is not None for file in _ready(folder, stage.name)]
    return max(file.stat().st_mtime for file in files)


def effort(name: str, folder: Path) -> Effort:
    """What a stage noted."""
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    notes = sorted((Note(**json.loads(line)) for line in lines), key=lambda note: note.start_s)
    by_worker = {pid: _merged([note for note in notes if note.pid == pid]) for pid in {note.pid for note in notes}}
    return Effort(
        busy_s=sum(note.end_s - note.start_s for note in _merged(notes)),
        cpu_s=sum(note.end_cpu_s - note.start_cpu_s for merged in by_worker.values() for note in merged),
        frames_per_call=tuple(note.num_frames for note in notes),
        start_s=notes[0].start_s,
        end_s=max(note.end_s for note in notes),
    )


def _merged(notes: Sequence[Note]) -> list[Note]:
    """Calls that overlap made one, in order of their beginning."""
    merged: list[Note] = []
    for note in notes:
        if merged and note.start_s <= merged[-1].end_s:
            last = merged[-1]
            later = max(last, note, key=lambda either: either.end_s)
            merged[-1] = replace(last, end_s=later.end_s, end_cpu_s=max(last.end_cpu_s, note.end_cpu_s))
        else:
            merged.append(note)
    return merged


def _ready(folder: Path, name: str) -> list[Path]:
    return list(folder.glob(f"{name}@*.ready"))


def core_seconds() -> float:
    """Spent by this process and its children until now."""
    worker = psutil.Process()
    times = [process.cpu_times() for process in (worker, *worker.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)
