"""The pipeline's graph on several nodes: how its speed grows, who does the work, and how near data stays.

    python benchmarks/nodes.py [--nodes 1 2 4 8] [--videos 40]     videos for every node

Nodes are Ray's own on this machine, each with two logical CPUs, beside a head that has none. Stages sleep for as long
as they would compute, so that eight nodes work on two cores; all else is that of a run: planned blocks, tasks,
replicas, guards, the board, the driver. Decoders hand on frames of the usual size.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scale_calibration import STEPS, Sleeper, items, sleeping_config
from stage_notes import effort, noted, start_up_end_s

from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.pipeline import STAGES, Resolved, narration_graph, videos_per_block
from narrator_ray.runs.tally import Tally
from narrator_ray.schema import SAMPLED
from narrator_ray.stages.item import rows_of, table_of
from narrator_ray.stages.progress import RunStart
from narrator_ray.stages.stage import Machine, Stage

NODE_CPUS = 2
SECONDS = {"decode_video": 0.8, "encode_features": 0.3, "narrate_clips": 0.4}
"""A node's two CPUs decode as fast as its narrator narrates."""
LANES = 8
"""Few, so that a short run has work for all narrators."""
FRAME_BYTES, NUM_FRAMES = 3 * 224 * 224, 22
_STORE_BYTES = 150_000_000


class PlacedSleeper(Sleeper):
    """Sleeps, and notes on which node it was given what.

    Args:
        board: Progress board.
        steps: What it tells the board of.
        seconds: For a video.
        name: Of the stage.
        places: Folder of the notes.
    """

    def __init__(self, board: Any, steps: tuple[str, ...], seconds: float, name: str, places: Path) -> None:
        super().__init__(board, steps, seconds)
        self._name = name
        self._places = places

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of PLANNED to table of PLANNED, or of SAMPLED by decoders."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        place = {"stage": self._name, "node": node, "videos": [row.work.video.video_id for row in rows_of(batch)]}
        with (self._places / f"{node}-{os.getpid()}.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(place) + "\n")
        table = super().__call__(batch)
        if self._name != "decode_video":
            return table
        frames = np.zeros(FRAME_BYTES * NUM_FRAMES, np.uint8).tobytes()
        return table_of((row.output(frames=frames) for row in rows_of(table)), SAMPLED)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run was.

    Attributes:
        seconds: From when replicas were ready to the end of the last narration.
        nodes: Node of every video, by stage.
        head: Node of the head.
    """

    seconds: float
    nodes: dict[str, dict[str, str]]
    head: str


def main() -> None:
    """A line for each number of nodes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--videos", type=int, default=40)
    options = parser.parse_args()
    print(
        f"{'nodes':>5}{'videos/s':>10}{'of linear':>11}{'on the head':>13}{'busiest/idlest decode, narrate':>33}",
        end="",
    )
    print(f"{'encoded where decoded':>23}{'by chance':>11}")
    alone = 0.0
    for number in options.nodes:
        ran = run(number, number * options.videos)
        rate = number * options.videos / ran.seconds
        alone = alone or rate / number
        shares = ", ".join(spread(ran.nodes[stage], number) for stage in ("decode_video", "narrate_clips"))
        on_head = sum(node == ran.head for of_stage in ran.nodes.values() for node in of_stage.values())
        near = [ran.nodes["decode_video"][video] == node for video, node in ran.nodes["encode_features"].items()]
        print(
            f"{number:>5}{rate:>10.2f}{rate / alone / number:>11.0%}{on_head:>13}{shares:>33}"
            f"{np.mean(near):>23.0%}{1 / number:>11.0%}",
            flush=True,
        )


def spread(nodes: dict[str, str], number: int) -> str:
    """Videos of the node that had most, and of the one that had fewest."""
    counts = Counter(nodes.values())
    return f"{max(counts.values())}/{min(counts.values()) if len(counts) == number else 0}"


def run(number: int, num_videos: int) -> Ran:
    """The graph on so many nodes."""
    with tempfile.TemporaryDirectory() as name, cluster(number) as head:
        from narrator_ray.stages.execute import execute_graph

        places, notes = Path(name, "places"), Path(name, "notes")
        for folder in (places, notes):
            folder.mkdir()
        config = sleeping_config(number, lanes=LANES)
        preset = find_preset(config.model.preset)
        shared = Resolved(config, preset, prepare_model(preset), ResultStore.open(name))
        graph: list[Stage] = []

        def stages(machine: Machine, board: Any) -> list[Stage]:
            board.begin.remote(RunStart(num_videos, STAGES[-1]))
            usual = narration_graph(shared, machine, board, needs_decoding=True)
            graph.extend(noted([_asleep(stage, board, places) for stage in usual], notes, num_videos, machine))
            return graph

        execute_graph(stages, items(num_videos), videos_per_block(config, num_videos), Tally(STAGES).add, _ignore)
        seconds = effort(graph[-1].name, notes).end_s - start_up_end_s(graph, notes)
        return Ran(seconds, _nodes_of(places), head)


def _ignore(_: Any) -> None:
    """Nobody looks at the progress."""


def _asleep(stage: Stage, board: Any, places: Path) -> Stage:
    seconds = SECONDS.get(stage.name, 0.0)
    own = {"board": board, "steps": STEPS[stage.name], "seconds": seconds, "name": stage.name, "places": places}
    return replace(stage, callable_class=PlacedSleeper, arguments=own)


def _nodes_of(places: Path) -> dict[str, dict[str, str]]:
    nodes: dict[str, dict[str, str]] = {}
    for file in places.iterdir():
        for line in file.read_text(encoding="utf-8").splitlines():
            place = json.loads(line)
            nodes.setdefault(place["stage"], {}).update(dict.fromkeys(place["videos"], place["node"]))
    return nodes


@contextmanager
def cluster(number: int) -> Iterator[str]:
    """A head without CPUs and so many nodes, connected to; the head's name."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))))
    import ray
    from ray.cluster_utils import Cluster

    own = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": _STORE_BYTES})
    for _ in range(number):
        own.add_node(num_cpus=NODE_CPUS, object_store_memory=_STORE_BYTES)
    ray.init(own.address, logging_level="ERROR", log_to_driver=False)
    try:
        yield own.head_node.node_id
    finally:
        ray.shutdown()
        own.shutdown()
        time.sleep(1)


if __name__ == "__main__":
    main()
