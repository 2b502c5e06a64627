"""What several verbs take, the codes they exit with, and the console they print on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from narrator_ray.config import StorageSettings

PROGRAM = "narrator-ray"
EXIT_BAD_INPUT = 2
EXIT_TOO_MANY_REJECTED = 3

CatalogArgument = Annotated[
    str, typer.Argument(metavar="CATALOG", help="Manifest: .jsonl, .csv or .parquet, a local path or s3://.")
]
OutArgument = Annotated[str, typer.Argument(metavar="OUT", help="Where runs were published: a directory or s3://.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="YAML file with settings.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting; repeat for more.")
]
ReferencesOption = Annotated[
    str, typer.Option("--references", help="Catalogue with products, clips, reference narrations and labels.")
]
MetricsOption = Annotated[
    str, typer.Option("--metrics", metavar="NAMES", help="Names with commas; all that look at texts if empty.")
]
TokenizerOption = Annotated[
    Path | None, typer.Option("--tokenizer", help="Tokenizer of the language model, for released BLEU, CIDEr, METEOR.")
]
SentenceModelOption = Annotated[
    Path | None, typer.Option("--sentence-model", help="Text encoder, for InfoSim and InfoDiverse.")
]
UserDictionaryOption = Annotated[
    str | None, typer.Option("--user-dictionary", help="Words to add to jieba's, one a line.")
]
ClipModelOption = Annotated[
    Path | None, typer.Option("--clip-model", help="CLIP network, of transformers or open_clip, for EMScore.")
]


ShardOption = Annotated[
    str | None, typer.Option("--shard", metavar="I/N", help="Only this shard of the videos, such as 2/4. Default: all.")
]


def storage_settings(config: Path | None, overrides: list[str] | None) -> StorageSettings:
    """How S3 is spoken, for verbs that need no other settings."""
    from narrator_ray.config import load_config

    return load_config(config, overrides=overrides or ()).storage


def console(stderr: bool = False) -> Console:
    """A console that does not fold tables when nobody watches."""
    watched = Console(stderr=stderr)
    return watched if watched.is_terminal else Console(stderr=stderr, width=200)


def listed(names: str) -> list[str]:
    """Names that were given with commas between them."""
    return [name for name in map(str.strip, names.split(",")) if name]
