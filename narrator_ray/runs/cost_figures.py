"""What a run cost, in figures that can be multiplied by a price.

CPU seconds are what processes really used. Core-seconds and GPU-seconds of the cluster are what was there to be used,
and paid for, while the graph ran. Neither counts planning and publishing, which the driver does alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.records import JsonDict

_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster has.

    Attributes:
        num_cpus: Logical CPUs.
        num_gpus: GPUs.
        gpus_by_stage: Share of a GPU that a replica of a stage holds, by the stage's name.
    """

    num_cpus: float = 0.0
    num_gpus: float = 0.0
    gpus_by_stage: Mapping[str, float] = field(default_factory=dict)


NO_CLUSTER = Cluster()


def cost_figures(stages: Sequence[StageSummary], cluster: Cluster, graph_s: float) -> JsonDict:
    """The section ``cost`` of run.json; rates are None where nothing was measured."""
    num_videos = max((stage.num_in for stage in stages), default=0)
    totals = {
        "cpu_s": sum(stage.cost.cpu_s for stage in stages),
        "gpu_s": sum(stage.gpu_s for stage in stages),
        "cluster_core_s": cluster.num_cpus * graph_s,
        "cluster_gpu_s": cluster.num_gpus * graph_s,
    }
    tokens_busy_s = sum(stage.seconds for stage in stages if stage.cost.tokens_read)
    written, read = (sum(getattr(stage.cost, name) for stage in stages) for name in ("tokens_written", "tokens_read"))
    return {
        "num_videos": num_videos,
        "cluster_cpus": cluster.num_cpus,
        "cluster_gpus": cluster.num_gpus,
        **{name: round(value, _DIGITS) for name, value in totals.items()},
        **{f"{name}_per_video": _ratio(value, num_videos) for name, value in totals.items()},
        "tokens_written_per_s": _ratio(written, tokens_busy_s),
        "tokens_read_per_s": _ratio(read, tokens_busy_s),
    }


def _ratio(amount: float, per: float) -> float | None:
    return round(amount / per, _DIGITS) if per else None
