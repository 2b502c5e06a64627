"""What every job of ``jobs/`` does around its work: settings, logs, signals, exit codes.

A job is a program for ``ray job submit``. It takes ``--config`` and ``--set`` only: everything else stands in its file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from narrator_ray.cli.arguments import EXIT_BAD_INPUT, SetOption
from narrator_ray.cli.logs import set_up_logging
from narrator_ray.cli.shown_runs import stoppable
from narrator_ray.cli.stop_signals import exit_code_of
from narrator_ray.config import Section, load_section
from narrator_ray.errors import NarratorError
from narrator_ray.records import JsonDict
from narrator_ray.storage.storage import Storage

EXIT_CRASH = 1
S = TypeVar("S", bound=Section)
JobConfigOption = Annotated[Path, typer.Option("--config", help="YAML file of the job.")]


def run_job(kind: type[S], work: Callable[[S], int]) -> None:
    """Do the work with the settings of the command line, and exit.

    Exit codes are those of ``narrator-ray``: what the work returns; 2 for settings or input that are wrong; 143 and 130
    when it was stopped, which leaves everything so that the next run goes on.

    Args:
        kind: What the file holds.
        work: Does it; gives the exit code.
    """

    def job(config: JobConfigOption, overrides: SetOption = None) -> None:
        set_up_logging(is_verbose=False, is_video_logged=True)
        try:
            with stoppable():
                code = work(load_section(kind, config, overrides=overrides or ()))
        except NarratorError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(EXIT_BAD_INPUT) from error
        raise typer.Exit(code)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(job)
    app()


@contextmanager
def job_record(storage: Storage, name: str) -> Iterator[JsonDict]:
    """A record that is written as JSON however the block ends: when, with which exit code, and what stopped it.

    The block fills it, ``exit_code`` included.
    """
    record: JsonDict = {"started_at": _now()}
    try:
        yield record
    except BaseException as error:
        record |= {"exit_code": _exit_code_of(error), "error": str(error) or type(error).__name__}
        raise
    finally:
        record["finished_at"] = _now()
        storage.write(name, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())


def _exit_code_of(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return exit_code_of(error)
    return EXIT_BAD_INPUT if isinstance(error, NarratorError) else EXIT_CRASH


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
