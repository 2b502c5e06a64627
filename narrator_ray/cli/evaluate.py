"""``narrator-ray evaluate``: how good narrations are beside references."""

from __future__ import annotations

from typing import Annotated

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

commands = typer.Typer()


@commands.command(
    epilog="Example: narrator-ray evaluate results --references catalog.jsonl --metrics cider_d,repetition"
)
def evaluate(
    narrations: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_FILE", help="Where a run was published, a narrations.parquet, or the released output.json."
        ),
    ],
    references: ReferencesOption,
    metrics: MetricsOption = "",
    out: Annotated[
        str | None, typer.Option("--out", help="Directory or s3:// prefix for evaluation.json, .md, items.parquet.")
    ] = None,
    tokenizer: TokenizerOption = None,
    sentence_model: SentenceModelOption = None,
    clip_model: ClipModelOption = None,
    user_dictionary: UserDictionaryOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Score narrations, under the released and the standard definition of every metric."""
    from narrator_ray.catalog.manifest import read_manifest
    from narrator_ray.config import load_config
    from narrator_ray.console import plain_table
    from narrator_ray.evaluation import run, summary
    from narrator_ray.evaluation.narrated_clips import read_narrated_clips
    from narrator_ray.evaluation.stories import join
    from narrator_ray.evaluation.tools import Tools

    names = run.checked_metrics(listed(metrics))
    settings = load_config(config, overrides=overrides or ())
    joined = join(read_narrated_clips(narrations), read_manifest(references, storage=settings.storage))
    tools = Tools(tokenizer, sentence_model, user_dictionary, clip_model, config=settings)
    outcomes = run.evaluate(joined.stories, names, tools)
    table = plain_table(*(f"{name}>" if name in summary.NUMBERS else name for name in summary.COLUMNS))
    for row in summary.summary_rows(outcomes):
        table.add_row(*row)
    console().print(table)
    typer.echo(
        f"{len(joined.stories)} videos; {joined.num_without_narration} of the references without narrations, "
        f"{joined.num_without_reference} narrated without references"
    )
    if out is not None:
        for path in summary.write(outcomes, out, settings.storage):
            typer.echo(path)
