"""Verbs that read what was published."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from narrator_ray.cli.arguments import OutArgument, console

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
) -> None:
    """Show the newest published run as a table, or one video's clips."""
    from narrator_ray.console import clip_table, rejected_table, video_table
    from narrator_ray.runs.published import open_latest

    run = open_latest(out)
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
) -> None:
    """Export the newest published run: subtitles per video, one table, or the report."""
    from narrator_ray.runs.published import open_latest

    written = open_latest(out).export(export_format.value, to)
    typer.echo(f"{len(written)} file{'s' if len(written) != 1 else ''} in {to}")
