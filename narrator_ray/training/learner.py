"""A narrator that can learn: LoRA factors on its language model, projector and position embedding in full.

A model with an adapter goes on with the adapter that it has. What is trained is kept in float32 whatever the model
computes in. Saves a model directory that narration loads, where all parts that were not trained are links.

Source: paper, section 5 (implementation). Deviation: the released training puts LoRA on the projector too and never
saves the weights it was added to; here the projector is trained and saved itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError
from narrator_ray.model.embedded import save_projection
from narrator_ray.model.model_dir import ModelDirectory, seal_model_directory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.training.base_adapter import adapter_to_train
from narrator_ray.training.lora import save_adapter, with_learnt_lora, with_lora
from narrator_ray.training.packing import require_full_attention

Precision = Literal["bf16", "fp16", "fp32"]

_DTYPES: dict[Precision, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
_LINKED = ("llm", "vision", "qformer")


def chosen_precision(settings: TrainingSettings, device: str) -> Precision:
    """The precision to compute in on a device, ``auto`` resolved.

    Raises:
        ConfigError: fp16 without a GPU.
    """
    if settings.precision == "fp16" and device == "cpu":
        raise ConfigError("training.precision: fp16 needs a GPU; on a CPU take fp32 or bf16")
    if settings.precision != "auto":
        return settings.precision
    if device == "cpu":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


class Learner:
    """A model directory's narrator, made ready to be trained.

    Args:
        base: Where training starts from.
        settings: LoRA, precision and checkpointing.
        device: ``cpu`` or ``cuda``.
        use_adapter: Whether the base's adapter, if it has one, is what is trained further; else it gets a new one.

    Attributes:
        narrator: The model. In ``eval()`` mode it narrates with what it has learnt so far.
        precision: What it computes in.

    Raises:
        ConfigError: A setting cannot be used here.
        ModelLoadError: The base cannot be loaded.
    """

    def __init__(
        self, base: ModelDirectory, settings: TrainingSettings, device: str = "cpu", use_adapter: bool = True
    ) -> None:
        adapter = adapter_to_train(base, settings, use_adapter)
        self._base = base
        self.precision = chosen_precision(settings, device)
        self.narrator = VideoNarrator.load(base.path, device, _DTYPES[self.precision], use_adapter=False)
        for module in (self.narrator.projector, self.narrator.position_embedding):
            module.float().requires_grad_(True)
        if settings.pack_videos:
            require_full_attention(self.narrator.llm.config)
        if settings.gradient_checkpointing:
            _enable_checkpointing(self.narrator.llm)
        self._adapted: Any = None
        if adapter is not None:
            self._adapted = with_learnt_lora(self.narrator.llm, adapter, settings)
        elif settings.lora_rank:
            self._adapted = with_lora(self.narrator.llm, settings)

    @property
    def trained(self) -> Mapping[str, torch.nn.Parameter]:
        """Everything that is trained, by its name in the narrator."""
        return {name: weight for name, weight in self.narrator.named_parameters() if weight.requires_grad}

    def state(self) -> dict[str, Tensor]:
        """Copies of all that is trained."""
        return {name: weight.detach().clone() for name, weight in self.trained.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`state` gave.

        Raises:
            ConfigError: It belongs to another model or other settings.
        """
        trained = self.trained
        if {name: weight.shape for name, weight in trained.items()} != {name: t.shape for name, t in state.items()}:
            raise ConfigError("the checkpoint belongs to another model, or to other LoRA settings")
        with torch.no_grad():
            for name, weight in trained.items():
                weight.copy_(state[name])

    def save(self, target: Path, name: str) -> ModelDirectory:
        """Write a model directory with what is trained and links to the rest.

        Args:
            target: A directory that is empty or not there.
            name: Of the model, for people.
        """
        self.save_trained(target, self.state())
        return complete_model(self._base, target, name)

    def save_trained(self, target: Path, weights: Mapping[str, Tensor]) -> None:
        """Write the parts of a model directory that are trained: projection and adapter.

        Args:
            target: A directory that is empty or not there.
            weights: All that is trained, by its name in the narrator.
        """
        target.mkdir(parents=True, exist_ok=True)
        names = ("projector.weight", "projector.bias", "position_embedding.weight")
        save_projection(target, *(weights[name].detach().float().cpu().numpy() for name in names))
        if self._adapted is not None:
            save_adapter(self._adapted, {name: weights[name] for name in weights if name not in names}, target)


def complete_model(base: ModelDirectory, target: Path, name: str) -> ModelDirectory:
    """Make a model directory of what was trained: the parts of the model it was trained from are linked.

    Args:
        base: Where training started from.
        target: Holds what :meth:`Learner.save_trained` wrote.
        name: Of the model, for people.
    """
    for part in _LINKED:
        if (base.path / part).exists():
            (target / part).symlink_to((base.path / part).resolve(), target_is_directory=True)
    spec = base.spec
    return seal_model_directory(
        target, name=name, languages=spec.languages, vision=spec.vision, is_trained=True, prompt=spec.prompt
    )


def _enable_checkpointing(llm: Any) -> None:
    """Under the name it has in newer versions of transformers, or the older one."""
    enable = getattr(llm, "activation_checkpointing_enable", None) or llm.gradient_checkpointing_enable
    enable({"use_reentrant": False})
