"""The night's work: plan, narrate, judge a sample, publish, and say in a file and an exit code how it went.

ray job submit --working-dir . -- python jobs/nightly.py --config jobs/nightly.yaml
"""

import logging

from narrator_ray.catalog.manifest import open_catalog
from narrator_ray.catalog.shard import shard_of
from narrator_ray.cli.job import job_record, run_job
from narrator_ray.cli.shown_runs import narrate_shown, verdict
from narrator_ray.config import Config, Section
from narrator_ray.evaluation.sample import SampleSettings, judge_sample
from narrator_ray.records import JsonDict
from narrator_ray.runs.published import open_run
from narrator_ray.runs.summary import RunSummary
from narrator_ray.storage.storage import Storage


class NightlyJob(Section):
    """The file of the job."""

    catalog: str
    """Manifest: .jsonl, .csv or .parquet, a path that the driver can read or s3://."""
    out: str
    """Directory that all machines reach, or s3:// prefix, for features, results, runs and nightly.json."""
    sample: SampleSettings = SampleSettings()
    """What is looked at before the run is published."""
    shard: str | None = None
    """Such as 2/4: only this share, and nightly-2-of-4.json; the last of the shards to end judges and publishes all."""
    settings: Config = Config()
    """Sections as of `narrator-ray narrate --config`."""


def work(job: NightlyJob) -> int:
    """Go through the night; nightly.json is written however it ends."""
    shard = shard_of(job.shard)
    with job_record(Storage.open(job.out, job.settings.storage), f"nightly{shard.suffix}.json") as record:
        summary = narrate_shown(
            job.catalog, job.out, job.settings, approve=lambda run: judge(job, run, record), shard=shard
        )
        record |= {"exit_code": verdict(summary), "is_published": summary.is_published}
    return int(record["exit_code"])


def judge(job: NightlyJob, run: RunSummary, record: JsonDict) -> bool:
    """Note what the run did and what its sample says; whether readers are to follow it."""
    figures = run.to_json()
    record |= {"plan": run.reasons, **{name: figures[name] for name in figures if name.startswith(("run_id", "num_"))}}
    finished = open_run(Storage.open(run.out, job.settings.storage), run.run_id)
    videos = open_catalog(job.catalog, storage=job.settings.storage)
    sample = judge_sample(videos, finished.narrations, job.sample, job.settings)
    record["sample"] = sample.to_json()
    for line in sample.shortfalls:
        logging.getLogger("narrator_ray").warning("the sample falls short: %s", line)
    return not sample.shortfalls


if __name__ == "__main__":
    run_job(NightlyJob, work)
