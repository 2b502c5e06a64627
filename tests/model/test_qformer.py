"""The Q-Former: several feature maps in, query tokens out, saved and loaded without a change."""

import pytest
import torch
from transformers import Blip2QFormerConfig

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.embedded import seed_weights
from narrator_ray.model.qformer import FrameQFormer, GridTokens, load_qformer, save_qformer

MAPS = [torch.randn(5, 6, 4, 4, generator=torch.Generator().manual_seed(1)), torch.ones(5, 3, 2, 2)]


@pytest.fixture
def qformer() -> FrameQFormer:
    """A small one that reads a 4x4 and a 2x2 map."""
    config = Blip2QFormerConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, encoder_hidden_size=12
    )
    module = FrameQFormer(config, num_queries=3, grids=[GridTokens(6, 16, 12), GridTokens(3, 4, 12)])
    seed_weights(module, seed=1)
    return module.eval()


def test_it_gives_a_few_tokens_per_frame(qformer):
    """[B, Q, D] for any number of maps of any size."""
    assert qformer(MAPS).shape == (5, 3, 16)


def test_frames_are_read_alone(qformer):
    """A frame's tokens do not depend on the frames beside it."""
    with torch.inference_mode():
        together = qformer(MAPS)
        alone = qformer([one[2:3] for one in MAPS])
    torch.testing.assert_close(together[2:3], alone, atol=1e-5, rtol=1e-5)


def test_every_map_is_read(qformer):
    """A change in either map changes the tokens."""
    with torch.inference_mode():
        before = qformer(MAPS)
        for changed in ([MAPS[0] + 1, MAPS[1]], [MAPS[0], MAPS[1] + 1]):
            assert (qformer(changed) - before).abs().max() > 0.01


def test_places_differ(qformer):
    """A map whose places are swapped is another map."""
    with torch.inference_mode():
        mirrored = qformer([MAPS[0].flip(-1), MAPS[1]])
        assert (mirrored - qformer(MAPS)).abs().max() > 0.01


def test_it_loads_as_it_was_saved(qformer, tmp_path):
    """The same tokens after a round trip through the disk."""
    save_qformer(qformer, tmp_path)
    loaded = load_qformer(tmp_path)
    assert not loaded.training
    with torch.inference_mode():
        torch.testing.assert_close(loaded(MAPS), qformer(MAPS), rtol=0, atol=0)


def test_transformers_can_load_it(qformer, tmp_path):
    """config.json and model.safetensors are a Blip2QFormerModel as transformers saves it."""
    from transformers import Blip2QFormerModel

    save_qformer(qformer, tmp_path)
    loaded = Blip2QFormerModel.from_pretrained(tmp_path, local_files_only=True)
    for name, weight in qformer.qformer.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "query_tokens.safetensors"])
def test_a_missing_file_is_an_error(qformer, tmp_path, name):
    """Each part is needed."""
    save_qformer(qformer, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        load_qformer(tmp_path)


def test_parts_of_different_models_are_an_error(qformer, tmp_path):
    """Weights that do not fit the configuration are refused, not partly loaded."""
    save_qformer(qformer, tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    with pytest.raises(ModelLoadError, match="Missing key"):
        load_qformer(tmp_path)
