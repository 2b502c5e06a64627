"""How many lanes the memory of a machine holds.

Knows sizes only. A plan is a guess, since prompts grow with stories; what exceeds it is caught by the engine.
"""

from __future__ import annotations

import psutil
import torch
from transformers import PreTrainedConfig

TYPICAL_STORY_TOKENS = 2048
"""Longer than most prompts grow; the longest of the annotated videos take about 4,000 tokens."""
_USED_FRACTION = 0.6
"""Of the free memory; the rest is for activations, growing lanes and neighbours."""


def bytes_per_token(config: PreTrainedConfig, dtype: torch.dtype) -> int:
    """Keys and values of one token in all layers, in bytes."""
    num_heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * num_heads * head_size * dtype.itemsize)


def plan_lanes(most: int, config: PreTrainedConfig, dtype: torch.dtype, device: torch.device) -> int:
    """As many lanes as wanted, or as the free memory holds at a typical length; at least one.

    Args:
        most: How many are wanted.
        config: Of the language model.
        dtype: Of keys and values.
        device: Where they will lie.
    """
    lane_bytes = bytes_per_token(config, dtype) * min(TYPICAL_STORY_TOKENS, config.max_position_embeddings)
    num_fitting: int = int(_free_bytes(device) * _USED_FRACTION) // lane_bytes
    return max(1, min(most, num_fitting))


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        free_bytes: int = torch.cuda.mem_get_info(device)[0]
        return free_bytes
    available: int = psutil.virtual_memory().available
    return available
