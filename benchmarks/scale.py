"""How far the pipeline goes: a simulated night of 10^4 to 10^8 videos on 1 to 1,000 GPUs, in one run or in shards.

    python benchmarks/scale.py                      # the tables; --plot FILE draws them, too
    python benchmarks/scale.py --calibrate          # real runs at 1, 2 and 4 logical workers beside their prediction
    python benchmarks/scale.py --set narrate_s=0.1  # any of the costs of scale_night.py

The simulation is in scale_model.py, the real runs in scale_calibration.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scale_model import simulate, unchanged_night
from scale_night import Costs, Night, Outcome

GPUS = (1, 10, 100, 1000)
SIZES = (10**4, 10**5, 10**6, 10**7, 10**8)
SHARDS = (1, 10, 100)
HOUR_S = 3600


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="COST=VALUE")
    options = parser.parse_args()
    changed = dict(pair.split("=", 1) for pair in options.set)
    costs = replace(Costs(), **{name: float(value) for name, value in changed.items()})
    if options.calibrate:
        calibrate()
        return
    grouping(costs)
    outcomes = nights(costs)
    unchanged(costs)
    if options.plot:
        from scale_plot import draw

        options.plot.write_text(draw(outcomes), encoding="utf-8")


def grouping(costs: Costs) -> None:
    """The same night with every video simulated by itself, and in groups."""
    print("10^5 videos, 10 GPUs, in groups: does it matter?")
    night, alone_s = Night(10**5, 10), 0.0
    for size in (1, 4, 16, 32):
        outcome = simulate(night, costs, most_groups=night.num_videos // size)
        alone_s = alone_s or outcome.phases["graph"]
        difference = outcome.phases["graph"] / alone_s - 1
        print(f"  of {size:>3}: graph {outcome.phases['graph']:>9,.0f} s, {difference:+.1%}", flush=True)


def nights(costs: Costs) -> list[tuple[int, Outcome]]:
    """A line for each; shards are tried where a run has a GPU and a hundred thousand videos for each."""
    print(
        f"\n{'videos':>7} {'GPUs':>5} {'shards':>6} {'hours':>8} {'videos/s':>9} {'GPUs used':>9} {'driver':>9} ",
        end="",
    )
    print(f"{'head disk':>9}  held up by")
    outcomes = []
    for size in SIZES:
        for gpus in GPUS:
            for shards in SHARDS:
                if shards > 1 and (shards > gpus or size < shards * 10**5):
                    continue
                outcome = simulate(Night(size, gpus, shards), costs)
                outcomes.append((shards, outcome))
                print(line(shards, outcome), flush=True)
    return outcomes


def line(shards: int, outcome: Outcome) -> str:
    """One night."""
    size, hours = f"{outcome.num_videos:.0e}".replace("e+0", "e"), outcome.seconds / HOUR_S
    graph_s = outcome.phases["graph"]
    longest = sorted(outcome.phases.items(), key=lambda phase: -phase[1])[:3]
    shares = ", ".join(f"{name} {seconds / outcome.seconds:.0%}" for name, seconds in longest)
    return (
        f"{size:>7} {outcome.num_gpus:>5} {shards:>6} {hours:>8.2f} {outcome.videos_per_s:>9.1f} "
        f"{outcome.efficiency:>9.0%} {outcome.memory_mb / 1000:>6.1f} GB {outcome.disk_gb:>6.1f} GB  "
        f"{outcome.bottleneck} ({shares}; in the graph {outcome.busiest} {outcome.busy[outcome.busiest]:.0%} busy, "
        f"tail {outcome.tail_s / graph_s:.0%})"
    )


def unchanged(costs: Costs) -> None:
    """Nights that find everything done."""
    print("\nan unchanged night, hours")
    for size, shards in ((10**6, 1), (10**7, 1), (10**7, 10), (10**8, 1), (10**8, 100)):
        phases = unchanged_night(Night(size, shards, shards), costs)
        told = ", ".join(f"{name} {seconds / HOUR_S:.2f}" for name, seconds in phases.items() if seconds)
        print(f"  {size:.0e} videos, {shards:>3} shards: {sum(phases.values()) / HOUR_S:>7.2f}: {told}")


def calibrate() -> None:
    """Measure what the driver, the board and merging cost; then predict real runs."""
    from scale_calibration import VIDEOS_A_WORKER, WORKERS, driver_costs, merge_rate, predicted_s, run_asleep
    from scale_calibration import sleeping_config as settings

    print(f"merging: {merge_rate():,.0f} videos/s, five clips each")
    print("runs that do nothing, two workers:")
    costs = driver_costs(4, 32)
    print(
        f"  of the driver {costs.task_s * 1e3:.2f} ms a task and {costs.row_s * 1e3:.2f} ms a row, "
        f"of the board {costs.board_s * 1e3:.2f} ms a row"
    )
    print("\nreal runs with stages that sleep, beside their prediction")
    errors: list[float] = []
    for workers in WORKERS:
        num_videos = VIDEOS_A_WORKER * workers
        started = time.perf_counter()
        ran = run_asleep(num_videos, workers, costs, settings(workers))
        start_s = time.perf_counter() - started - ran.all_s
        predicted = predicted_s(num_videos, workers, costs, settings(workers))
        errors.append(predicted / ran.seconds - 1)
        print(
            f"  {workers} workers, {num_videos:>3} videos: {ran.seconds:>6.2f} s, predicted {predicted:>6.2f} s, "
            f"error {errors[-1]:+.1%} (start and end of Ray {start_s:.0f} s)",
            flush=True,
        )
    print(f"largest error: {largest(errors):.1%}")


def largest(errors: Sequence[float]) -> float:
    """The one that is farthest from 0."""
    return max(errors, key=abs)


if __name__ == "__main__":
    main()
