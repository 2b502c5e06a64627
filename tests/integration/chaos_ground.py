"""A program that owns a Ray cluster of several nodes and narrates on it what it is told to.

Reads one JSON command a line and answers each with one line. Whoever started it kills what is to be killed: every
process of the cluster descends from this one. Ends with its input.

    {"do": "add_node", "num_cpus": 2}                                 -> {"raylet": process id}
    {"do": "narrate", "manifest": …, "out": …, "settings": [], "deadly": [videos]} -> what came of it
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import ray
from ray._common.utils import reset_ray_address
from ray.cluster_utils import Cluster

from narrator_ray.config import load_config
from narrator_ray.errors import NarratorError
from narrator_ray.pipeline import Listeners, narrate_catalog
from tests.integration.slow_stages import use_slow_stages

NOTICES_DEATH = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000}
"""A node that is killed is known to be dead after some seconds rather than half a minute."""


def narrate(manifest: str, out: str, settings: list[str], deadly: list[str]) -> dict[str, Any]:
    """What came of a run."""
    snapshots: list[Any] = []
    started = time.monotonic()
    use_slow_stages(*deadly)
    try:
        listeners = Listeners(on_progress=snapshots.append)
        summary = narrate_catalog(manifest, out, load_config(None, "tiny-random", settings), listeners=listeners)
    except NarratorError as error:
        return {"error": type(error).__name__, "message": str(error)}
    counts = {name: getattr(summary, name) for name in ("num_videos", "num_narrated", "num_rejected", "num_reused")}
    last = asdict(snapshots[-1]) if snapshots else {}
    return {**counts, "snapshot": last, "seconds": time.monotonic() - started}


@contextmanager
def own_cluster(num_cpus: int) -> Iterator[Cluster]:
    """A cluster of its own with a head of so many CPUs, connected to."""
    head = {"num_cpus": num_cpus, "include_dashboard": False, "_system_config": NOTICES_DEATH}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    reset_ray_address()  # other programs on this machine are not to find it
    ray.init(cluster.address, logging_level="ERROR", log_to_driver=False)
    yield cluster
    ray.shutdown()
    for node in cluster.list_all_nodes():
        node.kill_all_processes(check_alive=False, allow_graceful=False)


def main() -> None:
    """Obey until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    with own_cluster(num_cpus=2) as cluster:
        ready = {"address": cluster.address, "raylet": raylet_of(cluster.head_node)}
        print(json.dumps(ready), file=answers, flush=True)
        for line in sys.stdin:
            command = json.loads(line)
            if command.pop("do") == "add_node":
                answer = {"raylet": raylet_of(cluster.add_node(**command))}
            else:
                answer = narrate(**command)
            print(json.dumps(answer), file=answers, flush=True)


def raylet_of(node: Any) -> int:
    """Process id of what holds a node together; its workers are its children."""
    return node.all_processes["raylet"][0].process.pid


if __name__ == "__main__":
    main()
