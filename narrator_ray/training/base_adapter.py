"""Whether a training goes on with the adapter that its model has. Loads no torch."""

from __future__ import annotations

import json
from pathlib import Path

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError
from narrator_ray.model.model_dir import ModelDirectory

_WITHOUT_IT = "set model.use_adapter=false to train from the model without it"


def adapter_to_train(base: ModelDirectory, settings: TrainingSettings, use_adapter: bool) -> Path | None:
    """The adapter that is trained further; None where the model has none or is trained without it.

    Args:
        base: Where training starts from.
        settings: The recipe.
        use_adapter: Whether an adapter that the model has counts.

    Raises:
        ConfigError: There is one that cannot be trained, or is not to be.
    """
    adapter = base.adapter_path if use_adapter else None
    if adapter is None:
        return None
    if settings.lora_rank == 0:
        raise ConfigError(f"training.lora_rank is 0, but the model has an adapter ({adapter}): {_WITHOUT_IT}")
    kind = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")).get("peft_type")
    if kind != "LORA":
        raise ConfigError(f"{adapter}: of adapters only LoRA is trained further, this is {kind}: {_WITHOUT_IT}")
    return adapter
