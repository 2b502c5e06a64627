"""Norms and attention of LLaMA-like layers around half-precision products, on a CPU.

What lies between two products is one pass of a kernel (``model.cpu_kernels``): a norm gives its numbers in half
precision to the product after it, and the three projections of attention are one product, whose result is rotated on
its way out. Replaces LLaMA's, Mistral's and Qwen2's own modules; other models keep theirs. For inference only.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from narrator_ray.model import cpu_kernels

_NORMS = frozenset({"LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm"})
_ATTENTIONS = frozenset({"LlamaAttention", "MistralAttention", "Qwen2Attention"})
_PROJECTIONS = ("q_proj", "k_proj", "v_proj")
PARTS_OF_ATTENTION = (*_PROJECTIONS, "o_proj")


class BFloat16Norm(nn.Module):
    """Root-mean-square norm that takes float32 and gives bfloat16.

    Args:
        weight: [H].
        epsilon: Added to the mean square.
    """

    weight: Tensor

    def __init__(self, weight: Tensor, epsilon: float) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().float())
        self.epsilon = epsilon

    @classmethod
    def of(cls, norm: nn.Module) -> Self | None:
        """The same norm; None if it is of another kind."""
        if type(norm).__name__ not in _NORMS:
            return None
        source: Any = norm
        return cls(source.weight, source.variance_epsilon)

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., H] to [..., H]."""
        rows_NH = inputs.reshape(-1, inputs.shape[-1])
        out_NH = torch.empty(rows_NH.shape, dtype=torch.bfloat16)
        run(cpu_kernels.normalise, rows_NH.numpy(), self.weight.numpy(), self.epsilon, bits(out_NH))
        return out_NH.view(inputs.shape)


class BFloat16Attention(nn.Module):
    """Self-attention with one half-precision product for queries, keys and values; attention itself is in float32.

    Which attention is computed is the model's choice as before (``attn_implementation``).

    Args:
        attention: The module that it replaces; its configuration is read.
    """

    projections: Tensor
    bias: Tensor
    output: Tensor

    def __init__(self, attention: Any) -> None:
        super().__init__()
        parts = [getattr(attention, name) for name in _PROJECTIONS]
        biases = [part.weight.new_zeros(len(part.weight)) if part.bias is None else part.bias for part in parts]
        self.register_buffer("projections", torch.cat([part.weight for part in parts]).detach().to(torch.bfloat16))
        self.register_buffer("bias", torch.cat(biases).detach().float())
        self.register_buffer("output", attention.o_proj.weight.detach().to(torch.bfloat16))
        self.config = attention.config
        self.layer_idx = attention.layer_idx
        self.head_dim = attention.head_dim
        self.num_key_value_groups = attention.num_key_value_groups
        self.scaling = attention.scaling
        self.is_causal = True
        is_mistral = type(attention).__name__ == "MistralAttention"
        window = attention.config.sliding_window if is_mistral else getattr(attention, "sliding_window", None)
        self.options = {} if window is None else {"sliding_window": window}

    @classmethod
    def of(cls, attention: nn.Module) -> Self | None:
        """The same attention; None if it is of another kind."""
        source: Any = attention
        is_known = type(attention).__name__ in _ATTENTIONS and source.config._attn_implementation != "eager"
        return cls(source) if is_known and source.o_proj.bias is None else None

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None = None,
        past_key_values: Any = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """[B, L, H] to [B, L, H] in float32, and the attention weights where the implementation gives them."""
        queries, keys, values = self._rotated(hidden_states, *position_embeddings)
        if past_key_values is not None:
            keys, values = past_key_values.update(keys, values, self.layer_idx)
        attend: Any = ALL_ATTENTION_FUNCTIONS[self.config._attn_implementation]
        seen, weights = attend(
            self, queries, keys, values, attention_mask, dropout=0.0, scaling=self.scaling, **self.options, **options
        )
        joined = seen.reshape(*hidden_states.shape[:-1], -1).to(torch.bfloat16)
        return linear(joined, self.output).float(), weights

    def _rotated(self, hidden_states: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values, each [B, heads, L, D] in float32."""
        shape, size = hidden_states.shape[:-1], self.head_dim
        halves_NE = linear(hidden_states.to(torch.bfloat16), self.projections).flatten(0, -2)
        num_queries = self.output.shape[1] // size
        num_keys = num_queries // self.num_key_value_groups
        packed = [torch.empty(len(halves_NE), heads, size) for heads in (num_queries, num_keys, num_keys)]
        turns = [turn.expand(*shape, size).reshape(-1, size).numpy() for turn in (cosine, sine)]
        run(cpu_kernels.rotate, bits(halves_NE), self.bias.numpy(), *turns, *(part.numpy() for part in packed))
        queries, keys, values = (part.view(*shape, -1, size).transpose(1, 2) for part in packed)
        return queries, keys, values


def bits(halves: Tensor) -> Any:
    """Numbers in half precision as the bits that kernels take."""
    return halves.view(torch.int16).numpy()


def run(kernel: cpu_kernels.Kernel, *arguments: Any) -> None:
    """Compute with the threads that torch computes with."""
    kernel(*arguments, num_threads=torch.get_num_threads())
