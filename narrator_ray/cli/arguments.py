"""What several verbs take, the codes they exit with, and the console they print on."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

PROGRAM = "narrator-ray"
EXIT_BAD_INPUT = 2
EXIT_TOO_MANY_REJECTED = 3

CatalogArgument = Annotated[
    str, typer.Argument(metavar="CATALOG", help="Manifest: .jsonl, .csv or .parquet, a local path or s3://.")
]
OutArgument = Annotated[str, typer.Argument(metavar="OUT", help="Where runs were published: a directory or s3://.")]


def console(stderr: bool = False) -> Console:
    """A console that does not fold tables when nobody watches."""
    watched = Console(stderr=stderr)
    return watched if watched.is_terminal else Console(stderr=stderr, width=200)
