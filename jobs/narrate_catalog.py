"""Narrates a catalogue and publishes the run: `narrator-ray narrate` with everything in one file.

ray job submit --working-dir . -- python jobs/narrate_catalog.py --config jobs/narrate_catalog.yaml
"""

from narrator_ray.catalog.shard import shard_of
from narrator_ray.cli.job import run_job
from narrator_ray.cli.shown_runs import narrate_shown, verdict
from narrator_ray.config import Config, Section
from narrator_ray.runs.reasons import retry_reasons


class NarrationJob(Section):
    """The file of the job."""

    catalog: str
    """Manifest: .jsonl, .csv or .parquet, a path that the driver can read or s3://."""
    out: str
    """Directory that all machines reach, or s3:// prefix, for features, results and runs."""
    retry_rejected: tuple[str, ...] = ()
    """Reasons for which videos were rejected that are tried again although nothing changed; `all` for every reason."""
    shard: str | None = None
    """Such as 2/4: only this share of the videos; the last of the shards to end publishes all. All videos without."""
    settings: Config = Config()
    """Sections as of `narrator-ray narrate --config`."""


def work(job: NarrationJob) -> int:
    """Narrate what is new or changed."""
    retry = retry_reasons(job.retry_rejected)
    return verdict(narrate_shown(job.catalog, job.out, job.settings, retry=retry, shard=shard_of(job.shard)))


if __name__ == "__main__":
    run_job(NarrationJob, work)
