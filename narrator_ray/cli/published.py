"""Verbs that read what was published."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from narrator_ray.cli.arguments import ConfigOption, OutArgument, SetOption, console, storage_settings

commands = typer.Typer()


class ExportFormat(StrEnum):
    """What a run can be exported as."""

    SRT = "srt"
    VTT = "vtt"
    JSONL = "jsonl"
    CSV = "csv"
    HTML = "html"


@commands.command(epilog="Example: narrator-ray show results cup-0001")
def show(
    out: OutArgument,
    video_id: Annotated[str | None, typer.Argument(metavar="[VIDEO_ID]", help="Show this video's clips.")] = None,
    is_rejected: Annotated[
        bool, typer.Option("--rejected", help="Only videos without a result: stage, reason, attempts, times, detail.")
    ] = False,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Show the newest published run as a table, or one video's clips."""
    from narrator_ray.console import clip_table, rejected_table, video_table
    from narrator_ray.runs.published import open_latest

    run = open_latest(out, storage_settings(config, overrides))
    if is_rejected:
        console().print(rejected_table(run.rejected))
        typer.echo(f"{run.rejected.num_rows} rejected in run {run.run_id}")
        return
    if video_id is not None:
        console().print(clip_table(run.narrations_of(video_id)))
        return
    console().print(video_table(run.narrations))
    if run.rejected.num_rows:
        console().print(rejected_table(run.rejected))
    typer.echo(f"run {run.run_id}: {run.path('')}")


@commands.command(epilog="Example: narrator-ray export results --format srt --to subtitles")
def export(
    out: OutArgument,
    to: Annotated[Path, typer.Option("--to", help="Directory to write to; made if it is not there.")],
    export_format: Annotated[ExportFormat, typer.Option("--format", help="What to write.")] = ExportFormat.SRT,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Export the newest published run: subtitles per video, one table, or the report."""
    from narrator_ray.runs.published import open_latest

    written = open_latest(out, storage_settings(config, overrides)).export(export_format.value, to)
    typer.echo(f"{len(written)} file{'s' if len(written) != 1 else ''} in {to}")


@commands.command(epilog="Example: narrator-ray publish results")
def publish(out: OutArgument, config: ConfigOption = None, overrides: SetOption = None) -> None:
    """Publish the newest night of shards, as the last of them does by itself unless it is killed at it."""
    from narrator_ray.cli.shown_runs import publish_shown, verdict

    raise typer.Exit(verdict(publish_shown(out, storage_settings(config, overrides))))


@commands.command(epilog="Example: narrator-ray gc results --keep-runs 7 --delete")
def gc(
    out: OutArgument,
    keep_runs: Annotated[
        int, typer.Option("--keep-runs", min=1, help="How many of the newest published runs keep what they refer to.")
    ] = 10,
    min_age_hours: Annotated[
        float, typer.Option("--min-age-hours", min=0, help="Younger objects stay: a run may be making them.")
    ] = 24.0,
    is_deleting: Annotated[bool, typer.Option("--delete", help="Remove; without it nothing is changed.")] = False,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Remove features and narrations that no recent published run refers to. Only says what it would do, by default."""
    from narrator_ray.console import garbage_lines
    from narrator_ray.runs.garbage import collect_garbage
    from narrator_ray.storage.storage import Storage

    storage = Storage.open(out, storage_settings(config, overrides))
    found = collect_garbage(storage, keep_runs, min_age_hours * 3600, is_dry=not is_deleting)
    for line in garbage_lines(found, is_deleting):
        typer.echo(line)
