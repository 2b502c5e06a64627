"""Makes the features of a catalogue's videos, and nothing else: the part that can run ahead on cheap machines.

ray job submit --working-dir . -- python jobs/extract_features.py --config jobs/extract_features.yaml
"""

from narrator_ray.catalog.shard import shard_of
from narrator_ray.cli.job import run_job
from narrator_ray.cli.shown_runs import extract_shown, verdict
from narrator_ray.config import Config, Section


class ExtractionJob(Section):
    """The file of the job."""

    catalog: str
    """Manifest: .jsonl, .csv or .parquet, a path that the driver can read or s3://."""
    out: str
    """Directory that all machines reach, or s3:// prefix, for the features."""
    shard: str | None = None
    """Such as 2/4: only this share of the videos. All without."""
    settings: Config = Config()
    """Sections as of `narrator-ray extract --config`."""


def work(job: ExtractionJob) -> int:
    """Make what is missing."""
    return verdict(extract_shown(job.catalog, job.out, job.settings, shard=shard_of(job.shard)))


if __name__ == "__main__":
    run_job(ExtractionJob, work)
