"""The authors' checkpoints, turned into a plain LLaMA model, a PEFT adapter and a projection.

    BASE/        Baichuan-7B (query, key and value packed in one W_pack) or LLaMA, with its tokenizer
    CHECKPOINT/  non_lora_trainables.bin and a PEFT adapter, as the released training writes them
    TARGET/      llm/, adapter/ and projection.safetensors, the language side of a model directory (``model.model_dir``)

Baichuan-7B is LLaMA with its three attention projections stacked by rows, so cutting W_pack in three gives the same
model. A LoRA update of W_pack is B·A: cutting B by rows and giving each third the same A gives the same update.

The released training also puts LoRA on the projector, whose base weights it then neither trains nor saves: a checkpoint
is complete only together with the very projector it started from. The update is folded into those weights here.

Source: released code, train_on_local.py and lora_video_infer.py. Pickled files are read as tensors only.
"""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.embedded import PAD_TOKEN, VISUAL_TOKENS, quiet_transformers
from narrator_ray.model.position import NUM_POSITIONS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Tensors = dict[str, Tensor]

_PACKED = "W_pack"
_UNPACKED = ("q_proj", "k_proj", "v_proj")
_PROJECTOR = "mm_projector"
_UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, LookupError, AttributeError)
"""What torch.load raises for bytes that are no pickle of tensors."""
_TOKENIZER_FILES = ("tokenizer.model", "tokenizer.json", "special_tokens_map.json", "added_tokens.json")
_TOKENIZER_SETTINGS = "tokenizer_config.json"
_KEPT_SETTINGS = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
    "rms_norm_eps",
    "initializer_range",
    "hidden_act",
    "rope_theta",
    "bos_token_id",
    "eos_token_id",
    "tie_word_embeddings",
)


def convert_checkpoint(base: Path, checkpoint: Path, target: Path, projector: Path | None = None) -> None:
    """Write the language side of a model directory from a base model and one of the authors' checkpoints.

    Args:
        base: The base model; its tokenizer is converted too.
        checkpoint: The authors' checkpoint.
        target: Where to write; llm/, adapter/ and projection.safetensors are made.
        projector: A file with ``mm_projector.weight`` and ``.bias``, the projector the training started from. None
            takes what the checkpoint or the base holds.

    Raises:
        ModelLoadError: A file is missing or broken, the parts do not fit, or nobody has the projector's base weights.
    """
    trained = {strip_prefix(name): tensor for name, tensor in _load(checkpoint / "non_lora_trainables.bin").items()}
    weights = _load_base(base)
    adapter, settings = _load_adapter(checkpoint)
    start = {} if projector is None else {_projector_name(name): tensor for name, tensor in _load(projector).items()}
    _save_projection(target / "projection.safetensors", {**weights, **trained, **start}, adapter, settings)
    _save_adapter(target / "adapter", adapter, settings)
    language_model = unpack_attention({**weights, **trained})
    _save_language_model(target / "llm", language_model, _read_json(base / "config.json"))
    _save_tokenizer(base, target / "llm", len(language_model["model.embed_tokens.weight"]))


def convert_base(base: Path, target: Path) -> None:
    """Write a base model alone, without a checkpoint, as a plain LLaMA model with its own tokenizer.

    Raises:
        ModelLoadError: A file is missing or broken, or the base is neither Baichuan-7B nor LLaMA.
    """
    _save_language_model(target, unpack_attention(_load_base(base)), _read_json(base / "config.json"))
    _load_tokenizer(base).save_pretrained(target)


def strip_prefix(name: str) -> str:
    """A parameter's name without what wrappers put before it: the name it has in the language model."""
    return re.sub(r"^(base_model\.model\.|base_model\.)", "", name)


def unpack_attention(tensors: Mapping[str, Tensor]) -> Tensors:
    """Cut every packed tensor by rows into query, key and value; what is not LLaMA's is left out.

    Args:
        tensors: Weights of a language model [3H, H], or its LoRA factors: A [r, H] is shared, B [3H, r] is cut.
    """
    unpacked: Tensors = {}
    for name, tensor in tensors.items():
        if _PROJECTOR in name or "frame_position_embedding" in name or name.endswith("inv_freq"):
            continue
        if f".{_PACKED}." not in name:
            unpacked[name] = tensor
            continue
        is_shared = ".lora_A." in name
        parts = [tensor] * 3 if is_shared else list(tensor.chunk(3))
        for part, target in zip(parts, _UNPACKED, strict=True):
            unpacked[name.replace(_PACKED, target)] = part.clone()
    return unpacked


def _save_projection(path: Path, tensors: Tensors, adapter: Tensors, settings: Mapping[str, Any]) -> None:
    """Projector with its LoRA update folded in, and position embedding."""
    try:
        weight, bias = (tensors[f"model.{_PROJECTOR}.{part}"].float() for part in ("weight", "bias"))
    except KeyError as error:
        raise ModelLoadError(
            "the projector's base weights are neither in the checkpoint nor in the base model: the released training "
            "puts LoRA on the projector and saves the update only, so what it was added to cannot be restored. Ask for "
            f"the base model it started from, or give a file with {_PROJECTOR}.weight and {_PROJECTOR}.bias"
        ) from error
    factors = {part: adapter.get(f"base_model.model.model.{_PROJECTOR}.lora_{part}.weight") for part in "AB"}
    if factors["A"] is not None and factors["B"] is not None:
        weight = weight + settings["lora_alpha"] / settings["r"] * factors["B"].float() @ factors["A"].float()
    positions = tensors.get("model.frame_position_embedding.weight")
    if positions is None or positions.shape != (NUM_POSITIONS, weight.shape[1]):
        raise ModelLoadError(f"non_lora_trainables.bin: no position embedding of [{NUM_POSITIONS}, {weight.shape[1]}]")
    path.parent.mkdir(parents=True, exist_ok=True)
    projection = {"projector.weight": weight, "projector.bias": bias, "position_embedding.weight": positions.float()}
    save_file({name: tensor.contiguous() for name, tensor in projection.items()}, path, metadata={"format": "pt"})


def _save_adapter(path: Path, adapter: Tensors, settings: Mapping[str, Any]) -> None:
    """The adapter of the language model alone, its packed modules named as LLaMA's."""
    targets = set(settings["target_modules"]) - {_PROJECTOR}
    if _PACKED in targets:
        targets = targets - {_PACKED} | set(_UNPACKED)
    path.mkdir(parents=True, exist_ok=True)
    changed = {**settings, "target_modules": sorted(targets), "base_model_name_or_path": None}
    (path / "adapter_config.json").write_text(json.dumps(changed, indent=2) + "\n", encoding="utf-8")
    save_file(unpack_attention(adapter), path / "adapter_model.safetensors", metadata={"format": "pt"})


def _save_language_model(path: Path, tensors: Tensors, config: Mapping[str, Any]) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    settings = {name: config[name] for name in _KEPT_SETTINGS if name in config}
    embedding = tensors["model.embed_tokens.weight"]
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(vocab_size=len(embedding), **settings))
    try:
        model.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError as error:
        raise ModelLoadError(f"base model and checkpoint do not make a LLaMA model: {error}") from error
    model.config.dtype = embedding.dtype
    with quiet_transformers():
        model.save_pretrained(path)


def _save_tokenizer(base: Path, path: Path, vocabulary_size: int) -> None:
    """The base's tokenizer with the added tokens, in the order that the released code adds them."""
    tokenizer = _load_tokenizer(base)
    if tokenizer.pad_token is None:
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})
    tokenizer.add_tokens(list(VISUAL_TOKENS), special_tokens=True)
    if len(tokenizer) != vocabulary_size:
        raise ModelLoadError(
            f"{base}: its tokenizer has {len(tokenizer)} tokens with those that training adds, the checkpoint has "
            f"{vocabulary_size}: it is not the tokenizer the checkpoint was trained with"
        )
    tokenizer.save_pretrained(path)


def _load_tokenizer(base: Path) -> PreTrainedTokenizerBase:
    """The base's tokenizer, read from its data alone: neither its model's configuration nor any code beside it."""
    from transformers import AutoTokenizer

    with TemporaryDirectory() as folder:
        for name in _TOKENIZER_FILES:
            if (base / name).is_file():
                shutil.copyfile(base / name, Path(folder, name))
        settings = _read_json(base / _TOKENIZER_SETTINGS)
        settings.pop("auto_map", None)
        Path(folder, _TOKENIZER_SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
        try:
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, ImportError) as error:
            raise ModelLoadError(
                f"{base}: its tokenizer cannot be read (is sentencepiece installed?): {error}"
            ) from error
    return tokenizer


def _load_adapter(checkpoint: Path) -> tuple[Tensors, Mapping[str, Any]]:
    settings = _read_json(checkpoint / "adapter_config.json")
    for name in ("adapter_model.safetensors", "adapter_model.bin"):
        if (checkpoint / name).is_file():
            return _load(checkpoint / name), settings
    raise ModelLoadError(f"{checkpoint}: no adapter_model.safetensors and no adapter_model.bin")


def _load_base(base: Path) -> Tensors:
    """All weights of a model that may be spread over several files."""
    files = sorted(base.glob("*.safetensors")) or sorted(base.glob("pytorch_model*.bin"))
    if not files:
        raise ModelLoadError(f"{base}: no weights: expected *.safetensors or pytorch_model*.bin")
    return dict(_named(files))


def _named(files: list[Path]) -> Iterator[tuple[str, Tensor]]:
    for file in files:
        yield from _load(file).items()


def _load(file: Path) -> Tensors:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        loaded: Any = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelLoadError(f"{file}: not there") from error
    except (*_UNREADABLE, SafetensorError, pickle.UnpicklingError) as error:
        raise ModelLoadError(f"{file}: cannot be read as tensors: {error}") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ModelLoadError(f"{file}: expected tensors by name, found {type(loaded).__name__}")
    return loaded


def _read_json(file: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelLoadError(f"{file}: cannot be read: {error}") from error
    return data


def _projector_name(name: str) -> str:
    """``mm_projector.weight`` and the like, however prefixed, as the language model names it."""
    return f"model.{_PROJECTOR}.{name.rsplit('.', 1)[-1]}"
