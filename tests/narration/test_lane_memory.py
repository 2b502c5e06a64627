"""Lanes by memory: never more than wanted, never none."""

from types import SimpleNamespace

import psutil
import pytest
import torch
from transformers import LlamaConfig

from narrator_ray.narration.lane_memory import bytes_per_token, plan_lanes

LLAMA_7B = LlamaConfig(
    hidden_size=4096, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=32, max_position_embeddings=4096
)
CPU = torch.device("cpu")


def test_a_token_of_the_papers_model_takes_half_a_megabyte():
    """2 x 32 layers x 32 heads x 128 values x 2 bytes."""
    assert bytes_per_token(LLAMA_7B, torch.float16) == 512 * 1024


def test_grouped_heads_take_less():
    """What counts is the heads that are stored."""
    config = LlamaConfig(hidden_size=576, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3)
    assert bytes_per_token(config, torch.float32) == 2 * 30 * 3 * 64 * 4


@pytest.mark.parametrize(("free_gib", "lanes"), [(0.1, 1), (10, 6), (1000, 32)])
def test_lanes_follow_the_free_memory(monkeypatch, free_gib, lanes):
    """A lane of that model is planned with one GiB; a part of the memory stays free."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=int(free_gib * 2**30)))
    assert plan_lanes(32, LLAMA_7B, torch.float16, CPU) == lanes
