"""Which files each part of a model consists of, and which of them a directory lacks.

The formats are those of transformers, peft and open_clip. Reads configurations and indexes only; loads no torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from narrator_ray.errors import ModelLoadError

PartName = Literal["llm", "vision", "qformer", "projection", "adapter"]

QUERY_TOKENS_FILE = "query_tokens.safetensors"
PROJECTION_FILE = "projection.safetensors"
OPEN_CLIP_CONFIG = "open_clip_config.json"
BLIP2_TYPE = "blip-2"
BLIP2_VISION = ("vision_model.",)
BLIP2_QFORMER = ("qformer.", "query_tokens", "vision_model.post_layernorm.")
"""Prefixes of a Blip2Model's tensors: the Q-Former reads image features through the norm that ends the vision model."""

_OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_TEXT_FILES = ("tokenizer.model", "merges.txt", "vocab.txt")


def read_json(file: Path) -> Any:
    """The contents of a JSON file.

    Raises:
        ModelLoadError: It cannot be read.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelLoadError(f"{file}: cannot be read: {error}") from error


def is_blip2(folder: Path) -> bool:
    """Whether a directory holds a Blip2Model (or Blip2ForConditionalGeneration) of transformers."""
    file = folder / "config.json"
    return file.is_file() and _object(file).get("model_type") == BLIP2_TYPE


def missing_files(part: PartName, folder: Path) -> list[str]:
    """Names of the files that a part needs and a directory does not have. Empty: the part is complete.

    Raises:
        ModelLoadError: A configuration or an index that is there cannot be read.
    """
    wanted = [*_SETTINGS[part](folder), *weight_files(part, folder)]
    return [name for name in dict.fromkeys(wanted) if not (folder / name).is_file()]


def weight_files(part: PartName, folder: Path) -> list[str]:
    """Names of the files whose tensors are loaded; the usual name where there are none.

    Raises:
        ModelLoadError: An index that is there cannot be read.
    """
    if part == "projection":
        return [PROJECTION_FILE]
    if part == "adapter":
        return [_first(folder, ("adapter_model.safetensors", "adapter_model.bin"))]
    if part == "llm":
        return _transformers_weights(folder)
    if is_blip2(folder):
        return _transformers_weights(folder, (*BLIP2_VISION, *BLIP2_QFORMER) if part == "vision" else BLIP2_QFORMER)
    if part == "vision":
        return [_first(folder, _OPEN_CLIP_WEIGHTS)]
    return ["model.safetensors", QUERY_TOKENS_FILE]


def files_that_matter(part: PartName, folder: Path) -> list[Path]:
    """All files of a part that decide what it computes, in alphabetical order; others beside them are left out."""
    weights = set(weight_files(part, folder))
    return sorted(
        file
        for file in folder.iterdir()
        if (file.name in weights or file.suffix in {".json", ".jinja"} or file.name in _TEXT_FILES) and file.is_file()
    )


def _llm_settings(folder: Path) -> list[str]:
    if (folder / "tokenizer.model").is_file():
        return ["config.json", "tokenizer_config.json"]
    return ["config.json", "tokenizer.json", "tokenizer_config.json"]


def _vision_settings(folder: Path) -> list[str]:
    return [] if is_blip2(folder) else [OPEN_CLIP_CONFIG]


_SETTINGS: dict[PartName, Callable[[Path], list[str]]] = {
    "llm": _llm_settings,
    "vision": _vision_settings,
    "qformer": lambda _: ["config.json"],
    "projection": lambda _: [],
    "adapter": lambda _: ["adapter_config.json"],
}


def _transformers_weights(folder: Path, prefixes: Sequence[str] = ("",)) -> list[str]:
    """The file or, by the index, those shards that hold tensors with one of the prefixes."""
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (folder / name).is_file():
            return [name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            shards: dict[str, str] = _object(index).get("weight_map", {})
            return sorted({shard for tensor, shard in shards.items() if tensor.startswith(tuple(prefixes))})
    return ["model.safetensors"]


def _first(folder: Path, names: Sequence[str]) -> str:
    return next((name for name in names if (folder / name).is_file()), names[0])


def _object(file: Path) -> dict[str, Any]:
    data = read_json(file)
    if not isinstance(data, dict):
        raise ModelLoadError(f"{file}: expected a JSON object, found a {type(data).__name__}")
    return data
