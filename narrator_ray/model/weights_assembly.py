"""Putting a model directory together from parts that lie elsewhere, without copying them.

Parts are linked. Two things are written: what joins language and vision where none is given (a zero projector, so that
visual tokens say nothing until it is trained), and an unpacked copy of a language model whose attention is packed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import ModelLoadError
from narrator_ray.model.embedded import build_once, save_projection
from narrator_ray.model.model_dir import NUM_POSITIONS, ModelDirectory, VisionSpec, seal_model_directory
from narrator_ray.model.weights import PartsSource, resolve
from narrator_ray.model.weights_files import PROJECTION_FILE, PartName, files_that_matter, read_json
from narrator_ray.model.weights_vision import vision_spec
from narrator_ray.records import Language

RECIPE: Final = 1
"""Raised whenever other directories are made of the same parts."""
SEED: Final = 20240514
_PACKED_TYPE = "baichuan"


def assemble(
    name: str,
    languages: tuple[Language, ...],
    is_trained: bool,
    source: PartsSource,
    storage: StorageSettings = DEFAULT_STORAGE,
) -> ModelDirectory:
    """The model directory of some parts, in the cache, put together now if it is not there.

    Args:
        name: Name of the model.
        languages: Languages it can write.
        is_trained: Whether what joins vision and language is trained.
        source: Where the parts are.
        storage: How S3 is spoken.

    Raises:
        ModelLoadError: A part is missing, broken or does not fit the others.
    """
    folders = {part: resolve(part, location, storage) for part, location in source.locations()}
    vision = vision_spec(folders["vision"], folders.get("qformer"), source.feature_layers)

    def write(target: Path) -> None:
        _write_parts(target, folders, vision)
        seal_model_directory(
            target, name=name, languages=languages, vision=vision, is_trained=is_trained, prompt=source.prompt
        )

    settings = json.dumps([RECIPE, name, languages, is_trained, source.prompt, vision.model_dump()])
    safe_name = re.sub(r"[^\w.-]", "_", name)
    return build_once(f"{safe_name}-{_identity(folders, settings)}", write)


def _identity(folders: Mapping[PartName, Path], settings: str) -> str:
    """Changes when a part is another one or its files were written again. Reads no weights."""
    digest = hashlib.sha256(settings.encode())
    for part, folder in folders.items():
        for file in files_that_matter(part, folder):
            seen = file.stat()
            digest.update(f"\n{part} {file.resolve()} {seen.st_size} {seen.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _write_parts(target: Path, folders: Mapping[PartName, Path], vision: VisionSpec) -> None:
    for part, folder in folders.items():
        if part == "projection":
            (target / PROJECTION_FILE).symlink_to((folder / PROJECTION_FILE).resolve())
        elif part == "llm" and read_json(folder / "config.json").get("model_type") == _PACKED_TYPE:
            from narrator_ray.model.upstream import convert_base

            convert_base(folder, target / "llm")
        else:
            (target / part).symlink_to(folder.resolve(), target_is_directory=True)
    if "projection" not in folders:
        _write_untrained_projection(target, vision.dim)


def _write_untrained_projection(target: Path, dim: int) -> None:
    hidden = read_json(target / "llm" / "config.json").get("hidden_size")
    if not isinstance(hidden, int):
        raise ModelLoadError(f"{target / 'llm' / 'config.json'}: no hidden_size: not a text-only language model")
    rng = np.random.default_rng(SEED)
    save_projection(
        target,
        weight_HD=np.zeros((hidden, dim), np.float32),
        bias_H=np.zeros(hidden, np.float32),
        position_PD=rng.standard_normal((NUM_POSITIONS, dim), dtype=np.float32),
    )
