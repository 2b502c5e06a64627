"""Half-precision products inside a float32 model: nearly the same numbers, whatever the block."""

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from narrator_ray.model.mixed_precision import BFloat16Linear, BFloat16Mlp, use_bfloat16_products
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model

SHAPE = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
SHAPE |= {"num_key_value_heads": 2, "head_dim": 16}


@pytest.mark.parametrize("has_bias", [True, False])
def test_a_linear_layer_stays_what_it_is(has_bias):
    """Float32 in and out, within the precision of bfloat16."""
    torch.manual_seed(0)
    layer, inputs = nn.Linear(64, 32, bias=has_bias), torch.randn(5, 64)
    outputs = BFloat16Linear.of(layer)(inputs)
    assert outputs.dtype == torch.float32
    torch.testing.assert_close(outputs, layer(inputs), atol=0.03, rtol=0.03)


@torch.inference_mode()
@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "qwen3", "gemma", "phi3"])
def test_models_predict_nearly_the_same(architecture):
    """Logits move by little; every linear layer is replaced, and gated blocks as a whole where they are of the kind."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(architecture, vocab_size=99, pad_token_id=0, **SHAPE)
    model = AutoModelForCausalLM.from_config(config).eval()
    ids = torch.arange(1, 20)[None]
    before = model(ids).logits
    use_bfloat16_products(model)
    kinds = [type(module) for module in model.modules()]
    assert nn.Linear not in kinds
    assert kinds.count(BFloat16Mlp) == (0 if architecture == "phi3" else 3)
    after = model(ids).logits
    assert after.dtype == torch.float32
    assert 0 < (after - before).abs().max() < 0.1 * before.std()


def test_the_embedding_of_a_model_with_tied_weights_is_not_touched():
    """Tokens are embedded in float32 as before."""
    directory = prepare_model(find_preset("tiny-random")).path
    plain, mixed = VideoNarrator.load(directory), VideoNarrator.load(directory, has_half_products=True)
    ids = torch.arange(50, 60)
    assert torch.equal(plain.embed(ids), mixed.embed(ids))
    assert isinstance(mixed.llm.get_output_embeddings(), BFloat16Linear)
