"""``narrator-ray evaluate``: how good narrations are beside references."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
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
    from narrator_ray.evaluation.scores import NoScore, Score
    from narrator_ray.evaluation.stories import JudgedStory
    from narrator_ray.evaluation.tools import Tools

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
    is_on_ray: Annotated[
        bool | None,
        typer.Option("--ray/--no-ray", help="Compute on Ray. Default: where the environment names a cluster."),
    ] = None,
    actors: Annotated[int, typer.Option("--actors", min=1, help="On Ray, most replicas that hold models.")] = 1,
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
    joined = join(
        read_narrated_clips(narrations, settings.storage), read_manifest(references, storage=settings.storage)
    )
    tools = Tools(tokenizer, sentence_model, user_dictionary, clip_model, config=settings)
    outcomes = _outcomes(joined.stories, names, tools, is_on_ray, actors)
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


def _outcomes(
    stories: Sequence[JudgedStory], metrics: Sequence[str], tools: Tools, is_on_ray: bool | None, num_actors: int
) -> list[Score | NoScore]:
    """Scores, computed here or on Ray."""
    from narrator_ray.evaluation.run import evaluate as evaluate_here

    if not (is_on_ray if is_on_ray is not None else "RAY_ADDRESS" in os.environ):
        return evaluate_here(stories, metrics, tools)
    from narrator_ray.stages.evaluate import Parallelism, evaluate_on_ray

    with console(stderr=True).status("starting Ray") as status:
        return evaluate_on_ray(
            stories,
            metrics,
            replace(tools, device="auto"),
            Parallelism(num_actors=num_actors),
            lambda number: status.update(f"{number} of {len(stories)} stories"),
        )
