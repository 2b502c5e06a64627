"""The endpoint under load: beside itself without continuous batching, and beside the offline engine.

Run: python benchmarks/serving.py [--films 48] [--clients 1 2 4 8 16 32] [--one-lane 1 8 32] [--preset nano]
     (or make bench-serving)
     python benchmarks/serving.py --soak [600]      memory of every process under load, instead
     python benchmarks/serving.py --faults          processes killed under load and clients that leave, instead
     python benchmarks/serving.py --scaling         a second narrator that comes and goes, instead

Storefront films (drawn once and kept in the temporary folder) are uploaded to the endpoint on a local Ray, by clients
that each wait for one answer before they send the next film. Then by the same clients to the same endpoint with one
lane, where no video is narrated beside another; then all steps are done offline in this process, each with all films at
once. The endpoint shares its cores between all steps, the offline engine has them to itself.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from pipeline import run_bare
from pipeline_work import NARRATE, Work
from serving_app import application, local_serve, settings_of
from serving_client import films_of
from serving_faults import show_faults
from serving_load import clips_per_second
from serving_scaling import SHORT_DELAYS, show_scaling
from serving_soak import show_memory

from narrator_ray.demo.catalog import write_catalog

SOAK_S = 600.0


def main() -> None:
    """Print the tables; of the load the last line is the share of the offline engine's clips/s."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=int, default=48)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--one-lane", type=int, nargs="*", default=[1, 8, 32])
    parser.add_argument("--preset", default="nano")
    parser.add_argument("--soak", type=float, nargs="?", const=SOAK_S)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--scaling", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.gettempdir()) / f"narrator-ray-films-{options.films}"
    manifest = write_catalog(folder, options.films)
    if options.soak or options.faults or options.scaling:
        show_endurance(manifest, options)
    else:
        compare(manifest, options)


def show_endurance(manifest: Path, options: argparse.Namespace) -> None:
    """Memory, faults, scaling: what is asked for."""
    films = films_of(manifest)
    with local_serve() as address:
        if options.soak or options.faults:
            with application(settings_of(options.preset)):
                if options.soak:
                    asyncio.run(show_memory(address, films, options.soak))
                if options.faults:
                    asyncio.run(show_faults(address, films))
        if options.scaling:
            with application(settings_of(options.preset, narrator=SHORT_DELAYS)):
                asyncio.run(show_scaling(address, films))


def compare(manifest: Path, options: argparse.Namespace) -> None:
    """The endpoint, the endpoint with one lane, and the steps offline."""
    films, settings = films_of(manifest), settings_of(options.preset)
    lanes = settings.settings.run.narrate_lanes
    with local_serve() as address:
        served = {}
        for number, clients in ((lanes, options.clients), (1, options.one_lane)):
            if clients:
                print(f"\nthe endpoint with {number} lane{'s' if number > 1 else ''}", flush=True)
                with application(settings_of(options.preset, number)):
                    served[number] = asyncio.run(clips_per_second(address, films, clients))
    with tempfile.TemporaryDirectory() as output:
        offline = run_bare(Work(manifest, settings.config, Path(output)))
    best = max(served[lanes].values())
    engine, steps = offline.num_clips / offline.by_stage[NARRATE], offline.num_clips / offline.seconds
    print(f"\nclips/s: endpoint {best:.2f}, offline engine alone {engine:.2f}, all steps offline {steps:.2f}")
    for number in sorted(set(served[lanes]) & set(served.get(1, {}))):
        print(f"{number} clients: {served[lanes][number] / served[1][number]:.2f} times as fast as with one lane")
    print(f"share of all steps offline: {100 * best / steps:.0f} %")
    print(f"share of the offline engine: {100 * best / engine:.0f} %")


if __name__ == "__main__":
    main()
