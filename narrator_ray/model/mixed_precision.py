"""Half-precision matrix products inside a float32 model, for CPUs that have instructions for them.

Weights of linear layers become bfloat16 and products are accumulated in float32 by the processor; norms, rotations,
attention and the sums along the residual stream are computed in float32. Logits of the embedded model move by about one
part in a hundred. Knows nothing of what the model is for.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from narrator_ray.model import cpu_kernels
from narrator_ray.model.mixed_block import PARTS_OF_ATTENTION, BFloat16Attention, BFloat16Norm, bits, run

_GATED_PARTS = ("gate_proj", "up_proj", "down_proj", "act_fn")
_SILU = frozenset({"SiLU", "SiLUActivation"})


class BFloat16Linear(nn.Module):
    """A linear layer with bfloat16 weights that takes and gives float32.

    Args:
        weight: [out, in], any precision.
        bias: [out] or None.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().to(torch.bfloat16))
        self.register_buffer("bias", None if bias is None else bias.detach().float())

    @classmethod
    def of(cls, layer: nn.Linear) -> Self:
        """The same layer in half precision."""
        return cls(layer.weight, layer.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., in] to [..., out] in float32."""
        outputs = linear(inputs.to(torch.bfloat16), self.weight).float()
        return outputs if self.bias is None else outputs + self.bias


class BFloat16Mlp(nn.Module):
    """A gated feed-forward block (LLaMA's, Qwen's, Mistral's, Gemma's) in half precision between its two products.

    Args:
        gate: [I, H] weight of the gate.
        up: [I, H] weight beside it.
        down: [H, I] weight back.
        activation: Of the gate.
    """

    gate_up: Tensor
    down: Tensor

    def __init__(self, gate: Tensor, up: Tensor, down: Tensor, activation: nn.Module) -> None:
        super().__init__()
        self.register_buffer("gate_up", torch.cat([gate, up]).detach().to(torch.bfloat16))
        self.register_buffer("down", down.detach().to(torch.bfloat16))
        self.activation = activation

    @classmethod
    def of(cls, block: nn.Module) -> Self | None:
        """The same block in half precision; None if it is of another kind."""
        parts: list[Any] = [getattr(block, name, None) for name in _GATED_PARTS]
        layers = [part for part in parts[:3] if isinstance(part, nn.Linear) and part.bias is None]
        if len(layers) < 3 or len(list(block.children())) > 4 or not isinstance(parts[3], nn.Module):
            return None
        gate, up, down = (layer.weight for layer in layers)
        return cls(gate, up, down, parts[3])

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., H] to [..., H] in float32."""
        both = linear(inputs.to(torch.bfloat16), self.gate_up)
        return linear(self._gated(both), self.down).float()

    def _gated(self, both: Tensor) -> Tensor:
        if type(self.activation).__name__ not in _SILU:
            gate, up = both.chunk(2, -1)
            gated: Tensor = self.activation(gate) * up
            return gated
        out = both.new_empty(*both.shape[:-1], both.shape[-1] // 2)
        run(cpu_kernels.gate, bits(both.flatten(0, -2)), bits(out.flatten(0, -2)))
        return out


def is_worthwhile() -> bool:
    """Whether this machine's CPU has instructions that multiply bfloat16 matrices."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch do not say
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def use_bfloat16_products(model: nn.Module, keep_apart: Collection[str] = ()) -> None:
    """Replace the linear layers of a model, once and for all; its embedding stays as it is.

    Args:
        model: Changed in place.
        keep_apart: Paths of layers that must not become part of a larger one.
    """
    for path, parent in list(model.named_modules()):
        for name, child in list(parent.named_children()):
            own = f"{path}.{name}".lstrip(".")
            if (replaced := _replacement(own, child, path, keep_apart)) is not None:
                setattr(parent, name, replaced)


def _replacement(own: str, child: nn.Module, parent: str, keep_apart: Collection[str]) -> nn.Module | None:
    """The module in place of one at path ``own``; None leaves it as it is."""
    if type(child) is nn.Linear:
        return BFloat16Linear.of(child)
    if not any(f"{own}.{part}" in keep_apart for part in _GATED_PARTS) and (mlp := BFloat16Mlp.of(child)) is not None:
        return mlp
    if not any(f"{own}.{part}" in keep_apart for part in PARTS_OF_ATTENTION):
        attention = BFloat16Attention.of(child)
        if attention is not None:
            return attention
    is_read_by_adapter = any(layer.startswith(parent) for layer in keep_apart)
    return None if is_read_by_adapter else BFloat16Norm.of(child)
