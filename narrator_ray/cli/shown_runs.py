"""Runs as people see them: how they go, what came of them, and the exit code that says it to programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from narrator_ray.cli.arguments import EXIT_TOO_MANY_REJECTED, PROGRAM, console
from narrator_ray.cli.run_display import RunDisplay
from narrator_ray.cli.stop_signals import exit_code_of, sigterm_as_interrupt

if TYPE_CHECKING:
    from narrator_ray.catalog.shard import Shard
    from narrator_ray.config import Config, StorageSettings
    from narrator_ray.errors import RejectReason
    from narrator_ray.runs.extraction import ExtractionSummary
    from narrator_ray.runs.publish import Approve
    from narrator_ray.runs.summary import RunSummary

MAX_REJECTIONS_SHOWN = 20


def narrate_shown(
    catalog: str,
    out: str,
    config: Config,
    limit: int | None = None,
    retry: frozenset[RejectReason] = frozenset(),
    approve: Approve | None = None,
    shard: Shard | None = None,
) -> RunSummary:
    """Narrate a catalogue, with progress meanwhile and tables at the end; arguments as of ``narrate_catalog``."""
    from narrator_ray.catalog.shard import WHOLE
    from narrator_ray.console import run_lines, shard_lines, stage_table
    from narrator_ray.pipeline import narrate_catalog
    from narrator_ray.runs.publish import approve_all

    with RunDisplay() as display:
        summary = narrate_catalog(
            catalog, out, config, limit, display.listeners, retry, approve or approve_all, shard or WHOLE
        )
    if summary.stages:
        console().print(stage_table(summary.stages))
    for line in (*run_lines(summary), *shard_lines(summary)):
        typer.echo(line)
    return summary


def publish_shown(out: str, storage: StorageSettings) -> RunSummary:
    """Publish the newest night whose shards are complete, and say what it came to."""
    from narrator_ray.console import run_lines
    from narrator_ray.outputs.store import ResultStore
    from narrator_ray.runs.night import publish_newest_night
    from narrator_ray.runs.publish import approve_all

    summary = publish_newest_night(ResultStore.open(out, storage), approve_all)
    for line in run_lines(summary):
        typer.echo(line)
    return summary


def extract_shown(
    catalog: str,
    out: str,
    config: Config,
    limit: int | None = None,
    retry: frozenset[RejectReason] = frozenset(),
    shard: Shard | None = None,
) -> ExtractionSummary:
    """Make features, with progress meanwhile and tables at the end; arguments as of ``extract_features``."""
    from narrator_ray.catalog.shard import WHOLE
    from narrator_ray.console import extraction_lines, stage_table
    from narrator_ray.pipeline import extract_features

    with RunDisplay(is_extraction=True) as display:
        summary = extract_features(catalog, out, config, limit, display.listeners, retry, shard or WHOLE)
    if summary.stages:
        console().print(stage_table(summary.stages))
    for line in extraction_lines(summary, MAX_REJECTIONS_SHOWN):
        typer.echo(line)
    return summary


def verdict(summary: RunSummary | ExtractionSummary) -> int:
    """The exit code of a run that came to its end; one other than 0 is explained on stderr.

    A shard that completes its night stands for all of it; one that does not is not published, and that is well.
    """
    ended = getattr(summary, "merged", None) or summary
    run_id, is_published = getattr(ended, "run_id", None), getattr(ended, "is_published", True)
    is_held_back = not is_published and not getattr(ended, "waits_for", ())
    if is_held_back:
        typer.echo(f"run {run_id} is complete but not published: readers stay with the run before", err=True)
    if ended.has_too_many_rejected:
        where = f"; see `{PROGRAM} show {ended.out} --rejected`" if run_id is not None and is_published else ""
        typer.echo(f"more than {ended.max_rejected_fraction:.0%} was rejected{where}", err=True)
    return EXIT_TOO_MANY_REJECTED if ended.has_too_many_rejected or is_held_back else 0


@contextmanager
def stoppable() -> Iterator[None]:
    """While the block runs, SIGTERM and Ctrl-C end the program in order, with the exit code of their signal."""
    try:
        with sigterm_as_interrupt():
            yield
    except KeyboardInterrupt as stop:
        typer.echo("stopped; what was done so far is kept: run it again to go on", err=True)
        raise typer.Exit(exit_code_of(stop)) from stop
