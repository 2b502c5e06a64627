"""Building a model directory on this machine, once, in a cache that many processes share.

What the embedded models have in common: the cache, the special tokens, reproducible random weights and the files of the
projection. Does not know which models there are.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

PAD_TOKEN = "[PAD]"  # noqa: S105
VISUAL_TOKENS = ("<vid_patch>", "<vid_start>", "<vid_end>")
"""Special tokens every narrator's tokenizer has, in the order in which the released checkpoints add them."""


def cache_root() -> Path:
    """Where built models live: $NARRATOR_RAY_CACHE, else $XDG_CACHE_HOME/narrator-ray, else ~/.cache/narrator-ray."""
    if root := os.environ.get("NARRATOR_RAY_CACHE"):
        return Path(root).expanduser()
    if root := os.environ.get("XDG_CACHE_HOME"):
        return Path(root).expanduser() / "narrator-ray"
    return Path.home() / ".cache" / "narrator-ray"


def build_once(name: str, build: Callable[[Path], object]) -> ModelDirectory:
    """The model directory of that name in the cache, built now if it is not there.

    Any number of processes may ask at once: one builds, the others wait. The build happens in a private directory and
    is renamed into place, so that a killed build leaves nothing that is taken for a model.

    Args:
        name: Directory name in the cache; contains everything the result depends on.
        build: Writes a complete model directory into the empty directory it is given.

    Raises:
        ModelLoadError: The cache cannot be written, or the build failed.
    """
    target = cache_root() / "models" / name
    try:
        return open_model_directory(target)
    except ModelLoadError:
        pass
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent / f".{name}.lock"):
            return _build_into(target, build)
    except OSError as error:
        raise ModelLoadError(
            f"{target}: cannot build the model there: {error}; set NARRATOR_RAY_CACHE to a directory with room"
        ) from error


def _build_into(target: Path, build: Callable[[Path], object]) -> ModelDirectory:
    try:
        return open_model_directory(target)
    except ModelLoadError:
        shutil.rmtree(target, ignore_errors=True)
    for leftover in target.parent.glob(f".{target.name}.building-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}.building-", dir=target.parent))
    try:
        build(building)
        open_model_directory(building)
        _make_readable(building)
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return open_model_directory(target)


def _make_readable(path: Path) -> None:
    """Let other users of a shared cache read a directory: temporary directories and weight files are private."""
    path.chmod(0o755)
    for inner in path.rglob("*"):
        inner.chmod(0o755 if inner.is_dir() else 0o644)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def add_visual_tokens(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give tokenizer and model the special tokens of a narrator: [PAD] if it has no pad token, then VISUAL_TOKENS.

    A new row, in the embedding and in the output layer, is the mean of all others: the logit of such a token is the
    mean of all logits and therefore never the largest. Rows that were there stay as they are.
    """
    import torch

    if tokenizer.pad_token is None:
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})
    tokenizer.add_tokens(list(VISUAL_TOKENS), special_tokens=True)
    old_size = model.config.vocab_size
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.config.pad_token_id = tokenizer.pad_token_id
    layers = {id(layer.weight): layer.weight for layer in (model.model.embed_tokens, model.lm_head)}
    with torch.no_grad():
        for weight in layers.values():
            weight[old_size:] = weight[:old_size].double().mean(dim=0)


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
