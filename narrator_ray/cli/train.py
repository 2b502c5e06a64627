"""``narrator-ray train``: a narrator from a catalogue with references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from narrator_ray.cli.arguments import EXIT_TOO_MANY_REJECTED, ConfigOption, SetOption
from narrator_ray.cli.stop_signals import exit_code_of, sigterm_as_interrupt
from narrator_ray.cli.train_display import TrainDisplay

if TYPE_CHECKING:
    from narrator_ray.train import TrainingSummary

commands = typer.Typer()


@commands.command(
    epilog="Example: narrator-ray train catalog.parquet --out results --preset nano --set training.epochs=3"
)
def train(
    catalog: Annotated[
        str | None,
        typer.Argument(metavar="CATALOG", help="Manifest with narrations and storyline; default training.catalog."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", help="Directory or s3:// prefix for features and trainings; default training.out."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    preset: Annotated[str | None, typer.Option("--preset", help="Model to start from.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first rows of the manifest.")] = None,
) -> None:
    """Train a narrator on Ray. Run it again: a training that was stopped goes on from its last checkpoint."""
    from narrator_ray.config import load_config
    from narrator_ray.errors import ConfigError
    from narrator_ray.train import train_catalog

    settings = load_config(config, preset, overrides or ())
    source, place = catalog or settings.training.catalog, out or settings.training.out
    if not source or not place:
        raise ConfigError("train needs a catalogue and a place: give CATALOG and --out, or training.catalog and .out")
    try:
        with sigterm_as_interrupt(), TrainDisplay() as display:
            summary = train_catalog(source, place, settings, limit, display.listeners)
    except KeyboardInterrupt as stop:
        typer.echo("stopped; the last checkpoint is kept: run it again to go on from there", err=True)
        raise typer.Exit(exit_code_of(stop)) from stop
    for line in _lines(summary):
        typer.echo(line)
    if summary.record["rejected"] > settings.run.max_rejected_fraction * summary.record["videos"]:
        typer.echo(f"more than {settings.run.max_rejected_fraction:.0%} of the videos was rejected", err=True)
        raise typer.Exit(EXIT_TOO_MANY_REJECTED)


def _lines(summary: TrainingSummary) -> list[str]:
    record = summary.record
    reasons = ", ".join(f"{count} {reason}" for reason, count in record["reasons"].items())
    lines = [
        f"{record['videos']} videos: {record['learnt']} learnt, {record['held_out']} held out, "
        f"{record['rejected']} rejected{f' ({reasons})' if reasons else ''}"
    ]
    if summary.was_done:
        lines.append("this training was done before: nothing was left to do")
    else:
        losses = [f"loss {record['loss']:.3f}" if record["loss"] is not None else ""]
        losses.append(f"on held-out videos {record['validation_loss']:.3f}" if record["validation_loss"] else "")
        lines.append(f"{record['steps']} steps in {record['seconds']:.0f} s, {', '.join(filter(None, losses))}")
    lines.append(f"model   {summary.model}")
    lines.append(f"narrate narrator-ray narrate CATALOG --out OUT --preset {summary.preset}")
    return lines
