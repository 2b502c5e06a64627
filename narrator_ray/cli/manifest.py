"""Verbs that look at a manifest without doing anything about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from narrator_ray.cli.arguments import CatalogArgument, console

commands = typer.Typer()


@commands.command(epilog="Example: narrator-ray check catalog.jsonl")
def check(catalog: CatalogArgument) -> None:
    """Validate a manifest without touching a cluster: counts, and every problem with row and field."""
    from narrator_ray.catalog.manifest import read_manifest, summarize
    from narrator_ray.console import catalog_lines

    for line in catalog_lines(summarize(read_manifest(catalog)), catalog):
        typer.echo(line)
    typer.echo("no problems")


@commands.command(epilog="Example: narrator-ray plan catalog.jsonl --out results")
def plan(
    catalog: CatalogArgument,
    out: Annotated[str, typer.Option("--out", help="Where the run would publish: a directory or s3://.")],
    config: Annotated[Path | None, typer.Option("--config", help="YAML file with settings.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting; repeat for more.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="Model preset; see `narrator-ray presets`.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first rows of the manifest.")] = None,
    lists_videos: Annotated[bool, typer.Option("--list", help="Name every video and its reason.")] = False,
) -> None:
    """Say what `narrate` would do with the same arguments, and why. Writes nothing and starts no Ray."""
    from narrator_ray.config import load_config
    from narrator_ray.console import change_table, plan_lines
    from narrator_ray.pipeline import plan_catalog

    explained = plan_catalog(catalog, out, load_config(config, preset, overrides or ()), limit)
    if lists_videos:
        for video_id, change in explained.changes.items():
            typer.echo(f"{change}\t{video_id}")
        return
    console().print(change_table(explained))
    for line in plan_lines(explained):
        typer.echo(line)
