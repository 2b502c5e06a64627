"""Verbs that look at a manifest without doing anything about it."""

from __future__ import annotations

import typer

from narrator_ray.cli.arguments import CatalogArgument, ConfigOption, SetOption, storage_settings

commands = typer.Typer()


@commands.command(epilog="Example: narrator-ray check catalog.jsonl")
def check(catalog: CatalogArgument, config: ConfigOption = None, overrides: SetOption = None) -> None:
    """Validate a manifest without touching a cluster: counts, and every problem with row and field."""
    from narrator_ray.catalog.manifest import open_catalog, summarize
    from narrator_ray.console import catalog_lines

    videos = open_catalog(catalog, storage=storage_settings(config, overrides))
    for line in catalog_lines(summarize(videos), catalog):
        typer.echo(line)
    typer.echo("no problems")
