"""A program that starts actors beside the driver when a node has only just joined its cluster.

    python -m tests.integration.beside_ground

Prints, for each, whether it is on the driver's node, as JSON.
"""

from __future__ import annotations

import json
import sys

import ray

from narrator_ray.stages.beside_driver import beside_driver
from tests.integration.chaos_ground import own_cluster

NUM_ACTORS = 6


class Guest:
    """Tells where it is."""

    def node(self) -> str:
        """Id of its node."""
        return ray.get_runtime_context().get_node_id()


def main() -> None:
    """All actors at once, as soon as there is another node."""
    answers, sys.stdout = sys.stdout, sys.stderr
    with own_cluster(num_cpus=0) as cluster:
        here = ray.get_runtime_context().get_node_id()
        cluster.add_node(num_cpus=1)
        guests = [ray.remote(**beside_driver())(Guest).remote() for _ in range(NUM_ACTORS)]
        nodes = ray.get([guest.node.remote() for guest in guests])
        print(json.dumps([node == here for node in nodes]), file=answers, flush=True)


if __name__ == "__main__":
    main()
