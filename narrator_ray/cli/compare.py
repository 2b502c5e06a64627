"""``narrator-ray compare``: several runs or files on the same stories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from narrator_ray.cli.arguments import (
    ClipModelOption,
    ConfigOption,
    MetricsOption,
    ReferencesOption,
    SentenceModelOption,
    SetOption,
    TokenizerOption,
    UserDictionaryOption,
    console,
    listed,
)

if TYPE_CHECKING:
    from narrator_ray.outputs.comparison_content import Comparison

commands = typer.Typer()


@commands.command(
    epilog="Example: narrator-ray compare ours=results theirs=output.json --references catalog.jsonl --out compared"
)
def compare(
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]RUN_OR_FILE ...",
            help="What `evaluate` takes, two or more; the others are compared with the first.",
        ),
    ],
    references: ReferencesOption,
    metrics: MetricsOption = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory for comparison.html, .md, .json; made if it is not there.")
    ] = None,
    paper: Annotated[
        str, typer.Option("--paper", metavar="ROWS", help="Rows of the paper to show beside, with commas; or all.")
    ] = "",
    examples_by: Annotated[
        str, typer.Option("--examples-by", metavar="METRIC", help="What examples are chosen by.")
    ] = "",
    resamples: Annotated[int, typer.Option("--resamples", min=100, help="Of intervals and tests.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
    tokenizer: TokenizerOption = None,
    sentence_model: SentenceModelOption = None,
    clip_model: ClipModelOption = None,
    user_dictionary: UserDictionaryOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Compare systems: intervals, significance, by label and by place in the story, worst and best examples."""
    from narrator_ray.catalog.manifest import read_manifest
    from narrator_ray.config import load_config
    from narrator_ray.console import comparison_table
    from narrator_ray.evaluation import comparison, run
    from narrator_ray.evaluation.narrated_clips import read_named
    from narrator_ray.evaluation.paper import checked_rows
    from narrator_ray.evaluation.resampling import Resampling
    from narrator_ray.evaluation.tools import Tools

    settings = load_config(config, overrides=overrides or ())
    names, rows = run.checked_metrics(listed(metrics)), checked_rows(listed(paper))
    wanted = run.checked_metrics([examples_by])[0] if examples_by else ""
    found = comparison.compare(
        read_named(systems, settings.storage),
        read_manifest(references, storage=settings.storage),
        names,
        Tools(tokenizer, sentence_model, user_dictionary, clip_model, config=settings),
        Resampling(resamples, seed),
        rows,
        wanted,
    )
    console().print(comparison_table(found))
    typer.echo(f"{found.num_stories} stories, {found.num_clips} clips; {found.num_left_out} stories not told by all")
    if out is not None:
        _write(found, out)


def _write(found: Comparison, out: Path) -> None:
    """The comparison as a page, as tables and as numbers, and where they are."""
    from narrator_ray.outputs.comparison_page import render_comparison
    from narrator_ray.outputs.comparison_tables import to_json, to_markdown

    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "comparison.html": render_comparison(found),
        "comparison.md": to_markdown(found),
        "comparison.json": json.dumps(to_json(found), ensure_ascii=False, indent=2) + "\n",
    }
    for name, text in contents.items():
        (out / name).write_text(text, encoding="utf-8")
        typer.echo(out / name)
