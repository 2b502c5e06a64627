"""What the image side of given parts takes and gives, read from their configurations and file headers.

Loads no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.blip2 import has_grids, qformer_settings, query_tokens_shape
from narrator_ray.model.model_dir import Triple, VisionSpec
from narrator_ray.model.weights_files import OPEN_CLIP_CONFIG, is_blip2, read_json

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Normalisation of OpenAI's CLIP, which BLIP-2 and open_clip take where nothing else is said."""
_BLIP2_IMAGE_SIZE_PX = 224


def vision_spec(vision: Path, qformer: Path | None, feature_layers: Sequence[int]) -> VisionSpec:
    """Describe a tower and a Q-Former.

    Args:
        vision: An open_clip directory, or a Blip2Model.
        qformer: The Q-Former; None only with a Blip2Model, which has its own.
        feature_layers: What is read of an open_clip tower.

    Raises:
        ModelLoadError: A configuration cannot be read, or the parts do not go together.
    """
    if is_blip2(vision):
        if qformer is not None:
            raise ModelLoadError(f"{vision}: a Blip2Model is its own Q-Former: drop source.qformer from the preset")
        return _blip2_spec(vision)
    if qformer is None:
        raise ModelLoadError(
            f"{vision}: an open_clip tower needs a Q-Former: set source.qformer, or set source.vision to a Blip2Model"
        )
    is_grid = has_grids(qformer)
    if not is_grid and len(feature_layers) != 1:
        raise ModelLoadError(f"{qformer}: reads one layer: set source.feature_layers to one, such as [-2]")
    config = read_json(vision / OPEN_CLIP_CONFIG)
    tower = _section(vision / OPEN_CLIP_CONFIG, config, "model_cfg", "vision_cfg")
    preprocess = config.get("preprocess_cfg") or {}
    num_queries, dim = query_tokens_shape(qformer)
    return VisionSpec(
        kind="open_clip_qformer" if is_grid else "open_clip_patches",
        image_size_px=_side(tower.get("image_size", 224)),
        num_queries=num_queries,
        dim=dim,
        mean=_triple(preprocess.get("mean"), _CLIP_MEAN),
        std=_triple(preprocess.get("std"), _CLIP_STD),
        feature_layers=tuple(feature_layers),
    )


def _blip2_spec(folder: Path) -> VisionSpec:
    config, preprocess = folder / "config.json", folder / "preprocessor_config.json"
    settings = read_json(preprocess) if preprocess.is_file() else {}
    num_queries, dim = query_tokens_shape(folder)
    expected = qformer_settings(folder).get("hidden_size", dim)
    if dim != expected:
        raise ModelLoadError(f"{folder}: query tokens of width {dim}, but config.json says {expected}")
    return VisionSpec(
        kind="blip2",
        image_size_px=_side(
            _section(config, read_json(config), "vision_config").get("image_size", _BLIP2_IMAGE_SIZE_PX)
        ),
        num_queries=num_queries,
        dim=dim,
        mean=_triple(settings.get("image_mean"), _CLIP_MEAN),
        std=_triple(settings.get("image_std"), _CLIP_STD),
        feature_layers=(-1,),
    )


def _section(file: Path, data: Any, *names: str) -> dict[str, Any]:
    """A part of a configuration, by the names that lead to it."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        raise ModelLoadError(f"{file}: no {'.'.join(names)}: not a configuration of the kind its name says")
    return data


def _side(size: Any) -> int:
    """One side of a square image, given as a number or as a pair."""
    sides = list(size) if isinstance(size, list | tuple) else [size]
    if len(set(sides)) != 1:
        raise ModelLoadError(f"image size {sides}: only square towers are supported: choose another")
    return int(sides[0])


def _triple(values: Sequence[float] | None, default: Triple) -> Triple:
    red, green, blue = values or default
    return red, green, blue
