"""Trains and judges the paper's ablations on the storefront: without LoRA, storyline, position, compression, memory.

Run: python jobs/ablate.py --config jobs/ablate.yaml [--set work=DIR] [--set variants=[full]]

Run it again after it was stopped: what is done is not done again. The table is printed, and written with its figures as
JSON under the work directory.
"""

import logging

from narrator_ray.cli.job import run_job
from narrator_ray.stages.cpu_threads import use_cpu_threads
from narrator_ray.training.ablations.settings import AblationSettings


def work(job: AblationSettings) -> int:
    """Train and judge what is not done."""
    logging.getLogger("narrator_ray.nano").setLevel(logging.INFO)
    use_cpu_threads(job.threads)
    from narrator_ray.training.ablations.run import TABLE, run_ablations  # loads torch

    folder = run_ablations(job)
    print(f"{folder / TABLE}\n\n{(folder / TABLE).read_text(encoding='utf-8')}")
    return 0


if __name__ == "__main__":
    run_job(AblationSettings, work)
