"""Verbs about models: what there are, and where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from narrator_ray.cli.arguments import console

commands = typer.Typer()


@commands.command()
def presets() -> None:
    """List the models: language, size, where their weights come from, whether they are available here."""
    from narrator_ray.console import preset_table
    from narrator_ray.model.presets import list_presets, why_unavailable

    console().print(preset_table([(preset, why_unavailable(preset)) for preset in list_presets()]))


@commands.command(
    "convert-checkpoint",
    epilog="Example: narrator-ray convert-checkpoint --upstream checkpoint-7 --base baichuan-7b --out videonarrator",
)
def convert_checkpoint(
    upstream: Annotated[
        Path, typer.Option("--upstream", help="The authors' checkpoint: non_lora_trainables.bin and LoRA.")
    ],
    base: Annotated[Path, typer.Option("--base", help="The base model it was trained on: Baichuan or LLaMA.")],
    out: Annotated[
        Path, typer.Option("--out", help="Directory to write llm/, adapter/ and projection.safetensors to.")
    ],
    projector: Annotated[
        Path | None, typer.Option("--projector", help="The projector's base weights, where the checkpoint lacks them.")
    ] = None,
) -> None:
    """Turn one of the authors' checkpoints into a plain LLaMA directory, a PEFT adapter and a projection."""
    from narrator_ray.model.upstream import convert_checkpoint as convert

    convert(base, upstream, out, projector)
    typer.echo(f"{out}: llm, adapter and projection.safetensors")
