"""LoRA on a language model that is trained: new factors, or those of an adapter that learns further; how it is saved.

Knows PEFT, and nothing of narration.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError

_IN_NARRATOR, _IN_PEFT = "llm.", "base_model.model."
"""What names of the language model's weights begin with in a narrator, and in PEFT's view of the model alone."""


def with_lora(llm: Any, settings: TrainingSettings) -> Any:
    """PEFT's view of a model, whose layers now have new LoRA factors.

    Raises:
        ConfigError: The model has no layers of the names asked for.
    """
    from peft import LoraConfig, get_peft_model  # slow to import

    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=list(settings.lora_targets) or "all-linear",
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(settings.seed)
    try:
        with _quiet_peft():
            return get_peft_model(llm, config)
    except ValueError as error:
        raise ConfigError(f"training.lora_targets: {error}") from error


def with_learnt_lora(llm: Any, adapter: Path, settings: TrainingSettings) -> Any:
    """PEFT's view of a model, whose layers now have the factors of an adapter, to be trained further.

    Rank, alpha and layers are the adapter's own; dropout is the settings'.
    """
    from peft import PeftConfig, PeftModel  # slow to import

    config = PeftConfig.from_pretrained(str(adapter))
    config.lora_dropout = settings.lora_dropout
    with _quiet_peft():
        return PeftModel.from_pretrained(llm, str(adapter), is_trainable=True, config=config)


def save_adapter(adapted: Any, factors: Mapping[str, Tensor], model: Path) -> None:
    """Write the adapter of a model directory, in PEFT's format without its paths and card.

    The same bytes come wherever the same is trained.

    Args:
        adapted: PEFT's view of the model.
        factors: LoRA factors by their names in a narrator.
        model: The model directory.
    """
    from peft import get_peft_model_state_dict

    target = model / "adapter"
    target.mkdir()
    named = {name.replace(_IN_NARRATOR, _IN_PEFT, 1): factor.detach().cpu() for name, factor in factors.items()}
    tensors = get_peft_model_state_dict(adapted, state_dict=named, save_embedding_layers=False)
    on_host = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(on_host, target / "adapter_model.safetensors", metadata={"format": "pt"})
    config = adapted.peft_config["default"]
    config.base_model_name_or_path = None
    config.target_modules = sorted(config.target_modules)
    config.inference_mode = True
    config.save_pretrained(str(target))
    config.inference_mode = False


@contextmanager
def _quiet_peft() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
        yield
