"""Loading a causal language model with its tokenizer and adapter, whatever its size, and giving it the video tokens.

A base model that never saw video has no video tokens: they are added here, in memory, so that its weights can stay
where they are. Reads local files only and never runs code that lies beside them. Knows nothing of visual input.
"""

from __future__ import annotations

import json
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.embedded import VISUAL_TOKENS, add_visual_tokens, name_visual_tokens

_ATTENTIONS = ("sdpa", "eager")
_NO_LIMIT = 1 << 30


def load_language_model(
    path: Path,
    device: str,
    dtype: torch.dtype,
    attention: str = "sdpa",
    device_map: str | None = None,
    quantisation: str | None = None,
    adapter: Path | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a transformers model for inference.

    Args:
        path: Directory of the model and its tokenizer.
        device: Where to put it; with ``device_map``, the kind of device only.
        dtype: Of all weights that are not quantised.
        attention: ``sdpa`` or ``eager``.
        device_map: How to spread the layers over devices (``auto``, ``balanced``, ``sequential``); None does not.
        quantisation: ``8bit``, ``4bit`` or None.
        adapter: A PEFT adapter. It is merged into the weights, or runs beside them where they are quantised.

    Raises:
        ModelLoadError: An option cannot be used here, or the adapter is none.
        OSError, ValueError, RuntimeError, ImportError: transformers cannot load the directory.
    """
    settings = _placement(device, dtype, device_map, quantisation)
    if attention not in _ATTENTIONS:
        raise ModelLoadError(
            f"attention {attention!r}: narration gives every lane its own 4-D mask, which {' and '.join(_ATTENTIONS)} "
            "take and flash attention does not: set load.attention to sdpa"
        )
    model: Any = AutoModelForCausalLM.from_pretrained(
        path, dtype=dtype, attn_implementation=attention, local_files_only=True, **settings
    )
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path, local_files_only=True)
    if not set(VISUAL_TOKENS) <= tokenizer.get_vocab().keys():
        add_visual_tokens(model, tokenizer)
    if adapter is not None:
        model = _with_adapter(model, adapter, is_merged=quantisation is None)
    return model if settings else model.to(device), tokenizer


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    """The tokenizer alone, with the video tokens that the model would be given.

    Raises:
        ModelLoadError: It cannot be loaded.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise ModelLoadError(f"{path}: the tokenizer cannot be loaded: {error}") from error
    if not set(VISUAL_TOKENS) <= tokenizer.get_vocab().keys():
        name_visual_tokens(tokenizer)
    return tokenizer


def context_length(path: Path) -> int:
    """Most tokens of one sequence, by the model's configuration; a model that names none sets no limit."""
    settings = json.loads((path / "config.json").read_text(encoding="utf-8"))
    return int(settings.get("max_position_embeddings", _NO_LIMIT))


def _placement(device: str, dtype: torch.dtype, device_map: str | None, quantisation: str | None) -> dict[str, Any]:
    """What transformers is told about devices and bits; empty where the whole model goes to one device as it is."""
    settings: dict[str, Any] = {}
    if device_map is not None:
        _require("accelerate", "device_map", "drop load.device_map from the preset")
        settings["device_map"] = device_map
    if quantisation is not None:
        _require("bitsandbytes", "quantisation", "drop load.quantisation from the preset")
        settings["quantization_config"] = _bits_and_bytes(quantisation, dtype)
        settings.setdefault("device_map", {"": device})
    return settings


def _bits_and_bytes(quantisation: str, dtype: torch.dtype) -> Any:
    from transformers import BitsAndBytesConfig

    if quantisation == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[no-untyped-call]
    if quantisation == "4bit":
        return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    raise ModelLoadError(f"quantisation {quantisation!r}: not known; set load.quantisation to 8bit or 4bit")


def _require(package: str, option: str, otherwise: str) -> None:
    if find_spec(package) is None:
        raise ModelLoadError(f"{option} needs the package {package}: run `pip install {package}`, or {otherwise}")


def _with_adapter(model: PreTrainedModel, directory: Path, is_merged: bool) -> PreTrainedModel:
    from peft import PeftModel  # only models with an adapter pay for the import

    if not (directory / "adapter_config.json").is_file():  # peft would look for it on the network
        raise ModelLoadError(f"{directory}: not a PEFT adapter, there is no adapter_config.json")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)  # peft's
        adapted: Any = PeftModel.from_pretrained(model, str(directory))
        changed: PreTrainedModel = adapted.merge_and_unload() if is_merged else adapted.get_base_model()
    return changed
