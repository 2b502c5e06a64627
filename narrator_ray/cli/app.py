"""The program: its verbs in the order of its help, and what holds for all of them.

Knows no verb's inside: a file of this package with a ``commands`` of its own is a group of verbs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from narrator_ray import __version__
from narrator_ray.cli import compare, datasets, evaluate, manifest, models, narrate, published, rate, train
from narrator_ray.cli.arguments import EXIT_BAD_INPUT, PROGRAM
from narrator_ray.cli.logs import set_up_logging
from narrator_ray.errors import NarratorError

app = typer.Typer(
    name=PROGRAM,
    help="Narrates a whole product catalogue: a voice-over script for every clip of every product video.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for group in (manifest, narrate, published, evaluate, compare, rate, train, models):
    app.add_typer(group.commands)
app.add_typer(datasets.commands, name="import")


def main() -> None:
    """Run the command line; errors raised on purpose become one clear message and exit code 2."""
    try:
        app()
    except NarratorError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(EXIT_BAD_INPUT)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens inside, also on workers.")] = False,
    is_video_logged: Annotated[
        bool | None,
        typer.Option(
            "--log-videos/--no-log-videos",
            help="A line of JSON on stderr for every video that is done. Default: unless stderr is a terminal.",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    set_up_logging(verbose, not sys.stderr.isatty() if is_video_logged is None else is_video_logged)
