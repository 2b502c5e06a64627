"""Half-precision products inside a float32 model: nearly the same numbers, whatever the block."""

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from narrator_ray.model.mixed_block import BFloat16Attention, BFloat16Norm
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


def random_model(architecture: str, **settings: object) -> nn.Module:
    """A small one; biases are not zero."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(architecture, vocab_size=99, pad_token_id=0, **SHAPE, **settings)
    model = AutoModelForCausalLM.from_config(config).eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(weight)
    return model


@torch.inference_mode()
@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "qwen3", "gemma", "phi3"])
def test_models_predict_nearly_the_same(architecture):
    """Logits move by little; every linear layer is replaced, and whole blocks where they are of the kind."""
    model = random_model(architecture)
    ids = torch.arange(1, 40).view(3, 13)
    before = model(ids).logits
    use_bfloat16_products(model)
    kinds = [type(module) for module in model.modules()]
    assert nn.Linear not in kinds
    is_known = architecture in ("llama", "mistral", "qwen2")
    assert kinds.count(BFloat16Mlp) == (0 if architecture == "phi3" else 3)
    assert kinds.count(BFloat16Attention) == (3 if is_known else 0)
    assert kinds.count(BFloat16Norm) == (7 if is_known else 0)
    after = model(ids).logits
    assert after.dtype == torch.float32
    assert 0 < (after - before).abs().max() < 0.1 * before.std()


@torch.inference_mode()
@pytest.mark.parametrize("settings", [{"sliding_window": 4}, {"sliding_window": None}])
def test_a_sliding_window_is_kept(settings):
    """Replaced attention looks back as far as the model's own."""
    model = random_model("mistral", **settings)
    ids, changed = torch.arange(1, 21)[None], torch.arange(1, 21)[None].clone()
    changed[0, 0] = 50
    use_bfloat16_products(model)
    moved = (model(ids).logits - model(changed).logits)[0, -1].abs().max()
    assert (moved == 0) == (
        settings["sliding_window"] == 4
    )  # three layers of four tokens do not reach back to the first


def test_what_an_adapter_changes_stays_apart():
    """Layers that are added to, and the norms before them, which then give float32."""
    model = random_model("llama")
    use_bfloat16_products(model, {"model.layers.1.self_attn.v_proj", "model.layers.2.mlp.up_proj"})
    kinds = {path: type(module) for path, module in model.named_modules()}
    attentions = [kinds[f"model.layers.{layer}.self_attn"] is BFloat16Attention for layer in range(3)]
    assert attentions == [True, False, True]
    assert [kinds[f"model.layers.{layer}.mlp"] is BFloat16Mlp for layer in range(3)] == [True, True, False]
    norms = [kinds[f"model.layers.{layer}.input_layernorm"] is BFloat16Norm for layer in range(3)]
    assert norms == [True, False, False]
    assert kinds["model.layers.1.self_attn.v_proj"] is BFloat16Linear


def test_the_embedding_of_a_model_with_tied_weights_is_not_touched():
    """Tokens are embedded in float32 as before."""
    directory = prepare_model(find_preset("tiny-random")).path
    plain, mixed = VideoNarrator.load(directory), VideoNarrator.load(directory, has_half_products=True)
    ids = torch.arange(50, 60)
    assert torch.equal(plain.embed(ids), mixed.embed(ids))
    assert isinstance(mixed.llm.get_output_embeddings(), BFloat16Linear)
