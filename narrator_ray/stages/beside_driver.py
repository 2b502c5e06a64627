"""Actors that live and die with the driver's machine."""

from __future__ import annotations

from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_MEMORY_BYTES = 64 * 2**20


def beside_driver() -> dict[str, Any]:
    """Ray's options of a small actor on the driver's own machine, so that whatever else dies, the two stay together.

    It asks for memory: the place of an actor that asks for nothing is chosen by any node, and one that has only just
    joined knows no other yet and keeps the actor.
    """
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return {"num_cpus": 0, "memory": _MEMORY_BYTES, "scheduling_strategy": here}
