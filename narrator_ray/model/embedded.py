"""What models that are built on this machine have in common: their place in the cache, the special tokens,
reproducible random weights and the files of the projection. Does not know which models there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from narrator_ray.model.cache import cache_root, make_once
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

PAD_TOKEN = "[PAD]"  # noqa: S105
VISUAL_TOKENS = ("<vid_patch>", "<vid_start>", "<vid_end>")
"""Special tokens every narrator's tokenizer has, in the order in which the released checkpoints add them."""
_ROWS_AT_ONCE = 1 << 16


def build_once(name: str, build: Callable[[Path], object]) -> ModelDirectory:
    """The model directory of that name in the cache, built now if it is not there (see ``model.cache``).

    Args:
        name: Directory name in the cache; contains everything the result depends on.
        build: Writes a complete model directory into the empty directory it is given.

    Raises:
        ModelLoadError: The cache cannot be written, or the build failed.
    """
    return make_once(cache_root() / "models" / name, build, open_model_directory)


def add_visual_tokens(model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give tokenizer and model the special tokens of a narrator: [PAD] if it has no pad token, then VISUAL_TOKENS.

    A new row, in the embedding and in the output layer, is the mean of those of all known tokens: the logit of such a
    token is the mean of all logits and therefore never the largest. Rows of known tokens stay as they are. Models whose
    matrices have spare rows keep their size.

    Args:
        model: A causal language model of transformers.
        tokenizer: Its tokenizer.
    """
    import torch

    num_known = len(tokenizer)
    name_visual_tokens(tokenizer)
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.config.pad_token_id = tokenizer.pad_token_id
    layers = (model.get_input_embeddings(), model.get_output_embeddings())
    with torch.no_grad():
        for weight in {id(layer.weight): layer.weight for layer in layers}.values():
            weight[num_known : len(tokenizer)] = _mean_row(weight[:num_known])


def name_visual_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    """Give a tokenizer alone the special tokens of a narrator, under the ids that :func:`add_visual_tokens` gives."""
    if tokenizer.pad_token is None:
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})
    tokenizer.add_tokens(list(VISUAL_TOKENS), special_tokens=True)


def _mean_row(rows_VH: Tensor) -> Tensor:
    """Mean over rows in double precision, without a copy of them all in double precision."""
    import torch

    sums = [part.sum(dim=0, dtype=torch.float64) for part in torch.split(rows_VH, _ROWS_AT_ONCE)]
    mean_H: Tensor = torch.stack(sums).sum(dim=0) / len(rows_VH)
    return mean_H


def save_language_model(
    path: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, dtype: torch.dtype
) -> None:
    """Write the language model, in that precision, and the tokenizer of a model directory."""
    model.to(dtype)  # type: ignore[arg-type]
    with quiet_transformers():
        model.save_pretrained(path / "llm")
        tokenizer.save_pretrained(path / "llm")


def save_projection(
    path: Path,
    weight_HD: npt.NDArray[np.float32],
    bias_H: npt.NDArray[np.float32],
    position_PD: npt.NDArray[np.float32],
) -> None:
    """Write the projector and the position embedding of a model directory."""
    from safetensors.numpy import save_file

    tensors = {"projector.weight": weight_HD, "projector.bias": bias_H, "position_embedding.weight": position_PD}
    save_file(tensors, path / "projection.safetensors", metadata={"format": "pt"})


def seed_weights(module: torch.nn.Module, seed: int) -> None:
    """Give every parameter of a module a reproducible value.

    Matrices and free vectors are normal with deviation 1/sqrt(fan-in), weights of norms are one, biases zero; single
    numbers keep what they have. numpy draws, because torch's generator gives other last bits on other processors.
    """
    import torch

    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            if parameter.ndim == 1 and name.endswith("bias"):
                parameter.zero_()
            elif parameter.ndim == 1 and name.endswith("weight"):
                parameter.fill_(1)
            elif parameter.ndim > 0:
                fan_in = parameter[0].numel() if parameter.ndim > 1 else len(parameter)
                values = rng.standard_normal(tuple(parameter.shape), dtype=np.float32)
                parameter.copy_(torch.from_numpy(values * np.float32(fan_in**-0.5)))


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars of transformers while a model is read or written."""
    from transformers.utils import logging

    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if was_on:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
