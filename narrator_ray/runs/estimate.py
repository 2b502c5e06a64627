"""How long a run will take, from what past runs with the same model took."""

from __future__ import annotations

from dataclasses import dataclass

from narrator_ray.records import JsonDict
from narrator_ray.runs.plan import RunPlan
from narrator_ray.runs.run_folder import complete_runs, read_record, run_folder
from narrator_ray.runs.work import Fingerprints
from narrator_ray.storage.storage import Storage

MAX_RUNS = 5
"""Newest runs that are looked at."""
VISION_STAGES = frozenset({"split_clips", "sample_frames", "encode_features"})


@dataclass(frozen=True, slots=True)
class Estimate:
    """A guess, made of averages.

    Attributes:
        seconds: From the start of the graph to its end.
        num_runs: Past runs that it is made of.
    """

    seconds: float
    num_runs: int


@dataclass(slots=True)
class _Spent:
    """What past runs spent: busy seconds and videos of either side, and seconds that went by."""

    vision_s: float = 0.0
    num_decoded: int = 0
    language_s: float = 0.0
    num_narrated: int = 0
    graph_s: float = 0.0
    num_runs: int = 0


def estimate_run(storage: Storage, plan: RunPlan, fingerprints: Fingerprints) -> Estimate | None:
    """How long the graph of a plan takes, or None: nothing comparable has been run.

    Busy seconds a video, of the vision side for those to be decoded and of the language side for all, divided by how
    many workers were busy at once. A start of Ray is part of what went by, so small runs make large estimates.
    """
    if not plan.num_to_do:
        return Estimate(0.0, 0)
    spent = _Spent()
    for run_id in complete_runs(storage)[:MAX_RUNS]:
        record = read_record(storage, run_folder(run_id))
        if record.get("model", {}).get("fingerprints") == fingerprints.to_json() and record.get("graph_s"):
            _add(spent, record)
    busy_s = spent.vision_s + spent.language_s
    if not spent.num_narrated or not busy_s or (plan.num_to_decode and not spent.num_decoded):
        return None
    needed_s = plan.num_to_do * spent.language_s / spent.num_narrated
    if plan.num_to_decode:
        needed_s += plan.num_to_decode * spent.vision_s / spent.num_decoded
    return Estimate(needed_s * spent.graph_s / busy_s, spent.num_runs)


def _add(spent: _Spent, record: JsonDict) -> None:
    spent.num_runs += 1
    spent.graph_s += record["graph_s"]
    for stage in record["stages"]:
        if stage["stage"] in VISION_STAGES:
            spent.vision_s += stage["seconds"]
            spent.num_decoded += stage["in"] if stage["stage"] == "split_clips" else 0
        else:
            spent.language_s += stage["seconds"]
            spent.num_narrated += stage["in"] if stage["stage"] == "narrate_clips" else 0
