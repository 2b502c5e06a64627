"""The work directory of nano's training: films, maps, checkpoints, curves; files are written whole or not at all."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import torch

from narrator_ray.demo.films import Film, training_films
from narrator_ray.demo.splits import Split
from narrator_ray.training.nano.settings import FilmSettings, NanoSettings

_LOG = logging.getLogger("narrator_ray.nano")


def films_of(settings: FilmSettings, split: Split) -> list[Film]:
    """The films of a split."""
    return list(training_films(split, range(getattr(settings.films, split))))


def maps_path(settings: FilmSettings, split: Split, seed: int) -> Path:
    """Where the maps of a film lie."""
    return settings.work / "maps" / split / f"{seed:05d}.safetensors"


def checkpoint_of(settings: NanoSettings, number: int) -> Path:
    """Where a round of the narration stage leaves off."""
    return settings.work / f"training-{number}.pt"


def replace_file(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    aside = path.with_name(f".{path.name}.part")
    torch.save(state, aside)
    aside.replace(path)


def replace_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(data)
    aside.replace(path)


def tell(line: str) -> None:
    """A line for who watches."""
    _LOG.info(line)


def log(folder: Path, stage: str, line: dict[str, Any]) -> None:
    """A line on the terminal and in a directory's curve of a stage."""
    text = json.dumps(line)
    tell(f"{stage} {text}")
    with (folder / f"{stage}.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(f"{text}\n")
