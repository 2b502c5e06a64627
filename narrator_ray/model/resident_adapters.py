"""Several LoRA adapters beside one language model, each row of a call going through its own.

A row is a token of the packed call in which the narration engine reads many videos at once, so videos of different
brands share every product of the base model and differ by the small ones of their adapters only. Adapters are read in
PEFT's format. Knows nothing of lanes or of how rows are packed.

Source: LoRA, section 4.1: h = W x + (alpha / r) B A x; with rank-stabilised scaling, alpha / sqrt(r).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.weights_files import read_json, weight_files

_TENSOR = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<factor>[AB])\.weight")
_UNSUPPORTED = {
    "use_dora": "DoRA",
    "modules_to_save": "modules saved in full",
    "alpha_pattern": "a scaling per module",
    "lora_bias": "biases",
}


@dataclass(frozen=True, slots=True, eq=False)
class LoraFactors:
    """What one adapter adds to one linear layer.

    Attributes:
        down_RI: A, [rank, in].
        up_OR: B with the scaling, [out, rank].
    """

    down_RI: Tensor
    up_OR: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> LoraFactors:
        """The same on a device, in a precision."""
        return LoraFactors(self.down_RI.to(device, dtype), self.up_OR.to(device, dtype))

    def __call__(self, inputs_NI: Tensor) -> Tensor:
        """[N, in] to [N, out]."""
        return inputs_NI.to(self.down_RI.dtype) @ self.down_RI.T @ self.up_OR.T


def read_adapter(directory: Path) -> Mapping[str, LoraFactors]:
    """The factors of a PEFT adapter by the path of the layer they belong to.

    Raises:
        ModelLoadError: It cannot be read, or does more than add to linear layers.
    """
    settings = read_json(directory / "adapter_config.json")
    _check_kind(directory, settings)
    pairs: dict[str, dict[str, Tensor]] = {}
    for name, tensor in _tensors(directory).items():
        found = _TENSOR.fullmatch(name)
        if found is None or tensor.ndim != 2:
            raise ModelLoadError(f"{directory}: {name} is no LoRA factor of a linear layer; merge this adapter instead")
        pairs.setdefault(found["module"], {})[found["factor"]] = tensor
    if lone := [module for module, pair in pairs.items() if len(pair) != 2]:
        raise ModelLoadError(f"{directory}: {lone[0]} has only one of its two LoRA factors: the file is not complete")
    return {module: _scaled(pair["A"], pair["B"], settings) for module, pair in pairs.items()}


def _check_kind(directory: Path, settings: Any) -> None:
    if not isinstance(settings, dict) or settings.get("peft_type") != "LORA":
        raise ModelLoadError(f"{directory}: not a LoRA adapter of PEFT; several at once work with LoRA only")
    used = [what for key, what in _UNSUPPORTED.items() if settings.get(key)]
    if settings.get("bias", "none") != "none":
        used.append("biases")
    if used:
        raise ModelLoadError(
            f"{directory}: the adapter has {', '.join(used)}, which cannot differ between videos narrated together: "
            "train it without, or make it the preset's own adapter"
        )


def _tensors(directory: Path) -> Mapping[str, Tensor]:
    file = directory / weight_files("adapter", directory)[0]
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        loaded: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
        return loaded
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelLoadError(f"{file}: cannot be read: {error}") from error


def _scaled(down_RI: Tensor, up_OR: Tensor, settings: Mapping[str, Any]) -> LoraFactors:
    rank, alpha = down_RI.shape[0], float(settings["lora_alpha"])
    scaling = alpha / (math.sqrt(rank) if settings.get("use_rslora") else rank)
    return LoraFactors(down_RI.float(), up_OR.float() * scaling)


class ResidentAdapters:
    """Adapters of a language model, all in memory; none is used outside of :meth:`select`.

    Args:
        adapters: Factors by layer, by the adapter's name.

    Attributes:
        names: Of the adapters.
        layers: Paths of all layers that any of them changes.
    """

    def __init__(self, adapters: Mapping[str, Mapping[str, LoraFactors]] | None = None) -> None:
        self._adapters = dict(adapters or {})
        self._rows: dict[str, Tensor] = {}
        self.names = frozenset(self._adapters)
        self.layers = frozenset(layer for factors in self._adapters.values() for layer in factors)

    @classmethod
    def read(cls, directories: Mapping[str, Path]) -> ResidentAdapters:
        """Adapters from PEFT's directories, by name.

        Raises:
            ModelLoadError: One cannot be used beside others.
        """
        return cls({name: read_adapter(directory) for name, directory in directories.items()})

    def attach(self, llm: nn.Module, dtype: torch.dtype) -> None:
        """Let the layers of a model ask for what is selected.

        Raises:
            ModelLoadError: An adapter is for another model.
        """
        for layer in sorted(self.layers):
            by_adapter = {name: factors[layer] for name, factors in self._adapters.items() if layer in factors}
            module = _linear_layer(llm, layer, by_adapter)
            device = next(iter(module.state_dict().values())).device
            placed = {name: factors.to(device, dtype) for name, factors in by_adapter.items()}
            module.register_forward_hook(self._addition(placed))

    @contextmanager
    def select(self, rows: Mapping[str, Tensor]) -> Iterator[None]:
        """Calls inside send the given rows [N] of a [1, N, in] input through the adapters of those names."""
        self._rows = dict(rows)
        try:
            yield
        finally:
            self._rows = {}

    def _addition(self, factors: Mapping[str, LoraFactors]) -> Any:
        def add(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
            for name, rows in self._rows.items():
                if name in factors:
                    added = factors[name](args[0][0].index_select(0, rows))
                    output[0].index_add_(0, rows, added.to(output.dtype))
            return output

        return add


def _linear_layer(llm: nn.Module, layer: str, by_adapter: Mapping[str, LoraFactors]) -> nn.Module:
    name, factors = next(iter(by_adapter.items()))
    if layer.endswith("lm_head"):
        raise ModelLoadError(f"adapter {name}: it changes lm_head, which is not computed for every token: leave it out")
    try:
        module = llm.get_submodule(layer)
    except AttributeError:
        raise ModelLoadError(f"adapter {name}: the model has no layer {layer}: it is for another model") from None
    for name, factors in by_adapter.items():
        wanted = (factors.up_OR.shape[0], factors.down_RI.shape[1])
        if (shape := _shape(module)) != wanted:
            raise ModelLoadError(f"adapter {name}: {layer} is {shape}, the adapter is for {wanted}: another model's")
    return module


def _shape(module: nn.Module) -> tuple[int, int]:
    if isinstance(module, nn.Linear):  # the weight of a quantised layer has another shape
        return module.out_features, module.in_features
    weight = getattr(module, "weight", torch.empty(0, 0))
    return weight.shape[0], weight.shape[-1]
