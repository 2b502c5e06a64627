"""The whole pipeline beside its stages run bare, and beside other ways to do the same work.

Run: python benchmarks/pipeline.py [--films 24] [--set section.key=value] [--ways pipeline bare loop released]
     [--clip-video-encode PYTHON]  (or make bench-pipeline)

Storefront films (drawn once, five seconds of work each, and kept in the temporary folder) are narrated by the pipeline
on a local Ray; then by the very same stages one after the other in this process, each with all films; then by a plain
loop, one film after the other. Beside these: the schedule of the paper's released scripts (needs ffmpeg) and
clip-video-encode (needs an interpreter that has it), which only encodes.

Of the pipeline, what is measured begins when all replicas are ready: decoding waits for them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from other_pipelines import run_clip_video_encode, run_loop, run_released
from pipeline_work import ENCODE, NARRATE, Done, Work, planned, stages_here
from stage_notes import Effort, core_seconds, effort, noted, start_up_end_s

from narrator_ray.config import load_config
from narrator_ray.demo.catalog import write_catalog
from narrator_ray.pipeline import STAGES, narration_graph, videos_per_block
from narrator_ray.runs.tally import Tally
from narrator_ray.stages.progress import RunStart
from narrator_ray.stages.stage import Machine, Stage


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=int, default=24)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--clip-video-encode", type=Path)
    options = parser.parse_args()
    manifest = write_catalog(Path(tempfile.gettempdir()) / f"narrator-ray-films-{options.films}", options.films)
    with tempfile.TemporaryDirectory() as folder:
        work = Work(manifest, load_config(overrides=options.set), Path(folder))
        measured = {way: WAYS[way](work) for way in options.ways}
        if options.clip_video_encode:
            run_clip_video_encode(options.clip_video_encode, work)
        if {"pipeline", "bare"} <= set(measured):
            compare(measured["pipeline"], measured["bare"])


def run_pipeline(work: Work) -> Done:
    """On a local Ray."""
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 by default: beside other load, bare stages would get more
    from narrator_ray.stages.execute import execute_graph  # imports Ray, which the other ways do without

    shared, items, notes = work.output("pipeline"), work.items(), work.folder / "notes"
    notes.mkdir()
    graph: list[Stage] = []

    def stages(machine: Machine, board: Any) -> list[Stage]:
        board.begin.remote(RunStart(len(items), NARRATE))
        graph.extend(noted(narration_graph(shared, machine, board, needs_decoding=True), notes, len(items), machine))
        return graph

    started_s, num_videos = time.time(), videos_per_block(work.config, len(items))
    execute_graph(stages, items, num_videos, Tally(STAGES).add, lambda snapshot: None)
    begin_s = start_up_end_s(graph, notes)
    efforts = {stage.name: effort(stage.name, notes) for stage in graph}
    seconds = efforts[NARRATE].end_s - begin_s
    print(f"pipeline: {len(items)} films in {seconds:.1f} s, after a start-up of {begin_s - started_s:.1f} s")
    show(efforts, begin_s, seconds)
    done = Done.of(shared, items, {name: did.busy_s for name, did in efforts.items()}, seconds)
    print(f"  {done}; {sum(did.cpu_s for did in efforts.values()):.0f} core-seconds in the stages", flush=True)
    return done


def show(efforts: dict[str, Effort], begin_s: float, seconds: float) -> None:
    """A line for each stage, and how full the encoder's batches were."""
    print(f"  {'stage':<17}{'busy s':>7}{'share':>7}{'cores':>7}{'begins':>8}{'ends':>7}")
    for name, did in efforts.items():
        moments = f"{did.start_s - begin_s:>8.1f}{did.end_s - begin_s:>7.1f}"
        print(f"  {name:<17}{did.busy_s:>7.1f}{did.busy_s / seconds:>7.0%}{did.cpu_s / did.busy_s:>7.2f}{moments}")
    calls = efforts[ENCODE].frames_per_call
    fills = [f"of {size} {sum(calls) / sum(-(-frames // size) * size for frames in calls):.0%}" for size in (4, 32)]
    print(f"  encoder: {len(calls)} calls; batches {', '.join(fills)} full")


def run_bare(work: Work) -> Done:
    """Each stage alone in this process, with all films."""
    shared, items = work.output("bare"), work.items()
    table, by_stage = planned(items), dict[str, float]()
    print("\nbare: each stage alone, one after the other in one process")
    for stage in stages_here(shared):
        run = stage.callable_class(**stage.arguments)
        started, started_cores_s = time.perf_counter(), core_seconds()
        table = run(table)
        by_stage[stage.name] = spent_s = time.perf_counter() - started
        print(
            f"  {stage.name:<17}{spent_s:>7.1f} s, {(core_seconds() - started_cores_s) / spent_s:.2f} cores", flush=True
        )
    done = Done.of(shared, items, by_stage)
    print(f"  {done}", flush=True)
    return done


def compare(pipeline: Done, bare: Done) -> None:
    """The two ratios."""
    slowest = max(bare.by_stage, key=lambda name: bare.by_stage[name])
    print(f"\nslowest stage bare ({slowest}) / pipeline: {bare.by_stage[slowest] / pipeline.seconds:.2f}")
    print("  1 would mean that the other stages cost no time at all; on the cores that they share they do")
    print(f"sum of all stages bare / pipeline: {bare.seconds / pipeline.seconds:.2f}")
    print("  above 1 is what running them side by side wins over one after the other")


WAYS = {"pipeline": run_pipeline, "bare": run_bare, "loop": run_loop, "released": run_released}


if __name__ == "__main__":
    main()
