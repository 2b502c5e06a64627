"""A verb with an option that may be given without a value: ``--retry-rejected`` and ``--retry-rejected=reason``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from typer._click import Context

_OPTION = "--retry-rejected"
_EVERY_REASON = "all"

RetryOption = Annotated[
    list[str] | None,
    typer.Option(
        _OPTION,
        metavar="[=REASON]",
        help="Try rejected videos again although nothing changed: all, or those with a reason; repeat for more.",
    ),
]


class RetryCommand(TyperCommand):
    """Reads the bare option as one that names every reason."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """The arguments with a value for every option."""
        return super().parse_args(ctx, [f"{_OPTION}={_EVERY_REASON}" if arg == _OPTION else arg for arg in args])
