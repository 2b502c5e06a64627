"""BLIP-2 on disk: its image side and its Q-Former, read without the language model that lies in the same files.

    a Blip2Model or Blip2ForConditionalGeneration        config.json of model type blip-2; model.safetensors or shards
    a Blip2QFormerModel, its query tokens beside it      config.json, model.safetensors, query_tokens.safetensors

query_tokens.safetensors holds ``query_tokens`` [Q, D] or [1, Q, D] and, where image features are normalised before they
are read, ``ln_vision.weight`` and ``ln_vision.bias`` [E]. In a Blip2Model that is the norm that ends the vision model.

Shapes: Q queries, D width of a query token, E width of the image features read. Loads no torch by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.weights_files import QUERY_TOKENS_FILE, is_blip2, read_json, weight_files

QUERY_TOKENS = "query_tokens"


def qformer_settings(folder: Path) -> dict[str, Any]:
    """Configuration of a Q-Former, alone or in a Blip2Model, as Blip2QFormerConfig takes it."""
    config: dict[str, Any] = read_json(folder / "config.json")
    return dict(config.get("qformer_config") or {}) if is_blip2(folder) else config


def query_tokens_shape(folder: Path) -> tuple[int, int]:
    """Query tokens of a Q-Former, [Q, D], read from the header of their file.

    Raises:
        ModelLoadError: There are none.
    """
    names = weight_files("qformer", folder) if is_blip2(folder) else [QUERY_TOKENS_FILE]
    for file in (folder / name for name in names):
        with _opened(file, "numpy") as tensors:
            for name in set(tensors.keys()) & {QUERY_TOKENS, "query_tokens_QD"}:
                *_, num_queries, dim = tensors.get_slice(name).get_shape()
                return num_queries, dim
    raise ModelLoadError(f"{folder}: no tensor {QUERY_TOKENS} in {', '.join(names)}")


def has_grids(folder: Path) -> bool:
    """Whether a Q-Former reads feature maps through a grid of its own (see ``model.qformer``)."""
    if is_blip2(folder):
        return False
    with _opened(folder / QUERY_TOKENS_FILE, "numpy") as tensors:
        return any(name.startswith("grids.") for name in tensors.keys())  # noqa: SIM118


def read_tensors(files: Sequence[Path], prefixes: Sequence[str] = ("",)) -> dict[str, Any]:
    """The tensors of some files whose names have one of the prefixes, as torch tensors on the CPU.

    Raises:
        ModelLoadError: A file cannot be read as safetensors.
    """
    return dict(_read(files, tuple(prefixes)))


def _read(files: Sequence[Path], prefixes: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for file in files:
        with _opened(file, "pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118
                if name.startswith(prefixes):
                    yield name, tensors.get_tensor(name)


def _opened(file: Path, framework: str) -> Any:
    try:
        return safe_open(file, framework)
    except (OSError, SafetensorError) as error:
        raise ModelLoadError(f"{file}: cannot be read as safetensors: {error}") from error
