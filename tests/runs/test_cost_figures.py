"""Figures of cost: totals, per video, and rates that are not made up."""

from narrator_ray.cost import NO_COST, StageCost
from narrator_ray.errors import RejectReason
from narrator_ray.records import Rejection
from narrator_ray.runs.cost_figures import NO_CLUSTER, Cluster, cost_figures
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.tally import Tally


def tally_of_a_run():
    """Two narrated videos and a rejected one, on 4 cores and a GPU of which the narrator holds three quarters."""
    tally = Tally(("split", "narrate"))
    tally.cluster = Cluster(4.0, 1.0, {"narrate": 0.75})
    told = {"split": StageCost(2.0, 3.0, num_clips=5), "narrate": StageCost(4.0, 6.0, 0, 5, 80, 400, 100)}
    for name in ("a", "b"):
        tally.add(Outcome(name, None, told))
    rejection = Rejection("c", "/c", "split", RejectReason.VIDEO_EMPTY, "")
    tally.add(Outcome("c", rejection, {"split": StageCost(1.0, 0.5)}))
    return tally


def test_a_run_has_its_price():
    """CPU seconds used, GPU seconds held, core-seconds that were there; tokens by the narrator's busy second."""
    tally = tally_of_a_run()
    figures = cost_figures(tally.stages, tally.cluster, graph_s=10.0)
    assert figures == {
        "num_videos": 3,
        "cluster_cpus": 4.0,
        "cluster_gpus": 1.0,
        "cpu_s": 18.5,
        "gpu_s": 6.0,
        "cluster_core_s": 40.0,
        "cluster_gpu_s": 10.0,
        "cpu_s_per_video": 6.167,
        "gpu_s_per_video": 2.0,
        "cluster_core_s_per_video": 13.333,
        "cluster_gpu_s_per_video": 3.333,
        "tokens_written_per_s": 20.0,
        "tokens_read_per_s": 100.0,
    }


def test_a_stage_has_its_price():
    """In the table of run.json, for each video that came in."""
    _, narrate = (stage.to_json() for stage in tally_of_a_run().stages)
    assert (narrate["cpu_s"], narrate["cpu_s_per_video"]) == (12.0, 6.0)
    assert (narrate["gpu_s"], narrate["gpu_s_per_video"]) == (6.0, 3.0)
    assert (narrate["clips"], narrate["tokens_written"], narrate["tokens_read"]) == (10, 160, 800)


def test_a_run_without_work_has_no_rates():
    """No division by zero, and no made-up figure."""
    figures = cost_figures((), NO_CLUSTER, 0.0)
    assert (figures["cpu_s"], figures["cpu_s_per_video"], figures["tokens_written_per_s"]) == (0, None, None)


def test_costs_travel_as_plain_values():
    """Counts stay whole numbers."""
    cost = StageCost(1.5, 0.25, 3, 2, 10, 20, 30)
    assert StageCost.from_json(cost.to_json()) == cost + NO_COST
    assert cost.to_json() == [1.5, 0.25, 3, 2, 10, 20, 30]
