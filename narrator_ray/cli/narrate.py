"""The main job: a catalogue narrated and published; its first half alone; the same on a catalogue drawn for it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from narrator_ray.cli.arguments import PROGRAM, CatalogArgument, ConfigOption, SetOption, ShardOption, console
from narrator_ray.cli.optional_value import RetryCommand, RetryOption
from narrator_ray.cli.shown_runs import extract_shown, narrate_shown, stoppable, verdict

if TYPE_CHECKING:
    from narrator_ray.config import Config

commands = typer.Typer()

MAX_LISTED = 20
NewOutOption = Annotated[str, typer.Option("--out", help="Directory or s3:// prefix for features, results and runs.")]
PresetOption = Annotated[str | None, typer.Option("--preset", help="Model preset; see `narrator-ray presets`.")]
RootOption = Annotated[
    list[str] | None,
    typer.Option("--allow-root", help="Folder that local videos must lie in; repeat for more. Default: any."),
]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first rows of the manifest.")]


@commands.command(
    cls=RetryCommand,
    epilog="Example: narrator-ray narrate catalog.jsonl --out results --preset nano --set decoding.seed=7",
)
def narrate(
    catalog: CatalogArgument,
    out: NewOutOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    preset: PresetOption = None,
    limit: LimitOption = None,
    retry_rejected: RetryOption = None,
    allow_roots: RootOption = None,
    shard: ShardOption = None,
) -> None:
    """Narrate every video of a catalogue on Ray and publish the run. Run it again: only what changed is done.

    With --shard only a share of the videos, at the same time as other shards or not: the last to end publishes all.
    """
    from narrator_ray.catalog.shard import shard_of
    from narrator_ray.runs.reasons import retry_reasons

    settings, share = _settings(config, preset, overrides, allow_roots), shard_of(shard)
    with stoppable():
        summary = narrate_shown(catalog, out, settings, limit, retry_reasons(retry_rejected or ()), shard=share)
    raise typer.Exit(verdict(summary))


@commands.command(cls=RetryCommand, epilog="Example: narrator-ray extract catalog.jsonl --out results --preset nano")
def extract(
    catalog: CatalogArgument,
    out: NewOutOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    preset: PresetOption = None,
    limit: LimitOption = None,
    retry_rejected: RetryOption = None,
    allow_roots: RootOption = None,
    shard: ShardOption = None,
) -> None:
    """Only decode and encode: make the features that `narrate` will find in the same OUT. Publishes nothing.

    `gc` removes features that no published run refers to once they are a day old: narrate before that.
    """
    from narrator_ray.catalog.shard import shard_of
    from narrator_ray.runs.reasons import retry_reasons

    settings, share = _settings(config, preset, overrides, allow_roots), shard_of(shard)
    with stoppable():
        summary = extract_shown(catalog, out, settings, limit, retry_reasons(retry_rejected or ()), shard=share)
    raise typer.Exit(verdict(summary))


@commands.command(cls=RetryCommand, epilog="Example: narrator-ray plan catalog.jsonl --out results --preset nano")
def plan(
    catalog: CatalogArgument,
    out: NewOutOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    preset: PresetOption = None,
    limit: LimitOption = None,
    retry_rejected: RetryOption = None,
    allow_roots: RootOption = None,
    shard: ShardOption = None,
    is_listed: Annotated[bool, typer.Option("--all", help=f"List all videos to do, not only {MAX_LISTED}.")] = False,
) -> None:
    """Say what `narrate` would do with the same options, why, and how long it would take. Changes nothing."""
    from narrator_ray.catalog.shard import shard_of
    from narrator_ray.console import plan_lines, plan_table, work_lines
    from narrator_ray.pipeline import plan_catalog
    from narrator_ray.runs.reasons import retry_reasons

    settings, share = _settings(config, preset, overrides, allow_roots), shard_of(shard)
    found, estimate = plan_catalog(catalog, out, settings, limit, retry_reasons(retry_rejected or ()), shard=share)
    console().print(plan_table(found))
    for line in (*plan_lines(found, estimate), *work_lines(found, None if is_listed else MAX_LISTED)):
        typer.echo(line)


def _settings(
    config: Path | None, preset: str | None, overrides: list[str] | None, allow_roots: list[str] | None
) -> Config:
    """The settings that the options make."""
    from narrator_ray.config import load_config

    roots = [f"sources.allow_roots={json.dumps(allow_roots)}"] if allow_roots else []
    return load_config(config, preset, [*(overrides or ()), *roots])


@commands.command(epilog="Example: narrator-ray demo --videos 4 --seed 7")
def demo(
    out: Annotated[Path, typer.Option("--out", help="Directory for the catalogue and the results.")] = Path("demo-out"),
    videos: Annotated[int, typer.Option("--videos", min=1, help="How many videos to draw.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which storefront.")] = 0,
) -> None:
    """Draw a small storefront of product videos and narrate it with the embedded model."""
    from narrator_ray.config import load_config
    from narrator_ray.console import video_table
    from narrator_ray.demo import write_catalog
    from narrator_ray.runs.published import open_latest

    with console(stderr=True).status(f"drawing {videos} product videos"):
        catalog = write_catalog(out / "catalog", videos, seed)
    results = out / "results"
    with stoppable():
        code = verdict(narrate_shown(str(catalog), str(results), load_config(preset="nano")))
    if code:
        raise typer.Exit(code)
    run = open_latest(str(results))
    console().print(video_table(run.narrations))
    typer.echo(f"\nreport      {run.path('report.html')}\nnarrations  {run.path('narrations.parquet')}")
    typer.echo(f"catalogue   {catalog}\n\nTry next:")
    first, command = run.narrations["video_id"][0].as_py(), _command()
    typer.echo(f"  {command} show {results} {first}")
    typer.echo(f"  {command} export {results} --format srt --to {out / 'subtitles'}")
    typer.echo(f"  {command} narrate {catalog} --out {results} --set length.rate_en=3.0")


def _command() -> str:
    """How this program can be called again from here."""
    if shutil.which(PROGRAM) is not None:
        return PROGRAM
    called = Path(sys.argv[0])
    return str(called) if called.name == PROGRAM else "python -m narrator_ray"
