"""Patch tokens and BLIP-2's Q-Former: the same numbers as Blip2Model, the right layer of a ViT, frames alone."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.model_dir import Fingerprints, ModelDirectory, ModelSpec
from narrator_ray.model.vision_encoder import VisionEncoder, load_vision_encoder
from narrator_ray.model.weights_vision import vision_spec
from tests.model.tiny_parts import DIM, NUM_QUERIES, SIDE_PX, write_blip2, write_qformer, write_vit


def noise(num_frames: int) -> np.ndarray:
    """Frames of noise [T, 3, SIDE_PX, SIDE_PX]."""
    return np.random.default_rng(0).integers(0, 256, (num_frames, 3, SIDE_PX, SIDE_PX), dtype=np.uint8)


def load(folder, vision, qformer=None, layers=(-2,), **options) -> VisionEncoder:
    """Link a tower and a Q-Former into a model directory and load its vision side."""
    folder.mkdir()
    (folder / "vision").symlink_to(vision)
    if qformer is not None:
        (folder / "qformer").symlink_to(qformer)
    spec = ModelSpec(
        format="narrator-ray.model/1",
        name="test",
        languages=("en",),
        vision=vision_spec(vision, qformer, layers),
        is_trained=False,
        fingerprints=Fingerprints(encoder="e", narrator="n"),
    )
    return load_vision_encoder(ModelDirectory(folder, spec), **options)


@pytest.fixture(params=["blip2", "vit"])
def parts(request, tmp_path):
    """A Blip2Model; a ViT with a Q-Former."""
    if request.param == "blip2":
        return write_blip2(tmp_path / "blip2"), None
    return write_vit(tmp_path / "vit"), write_qformer(tmp_path / "qf")


def normalised(encoder_spec, frames: np.ndarray) -> torch.Tensor:
    """Pixels as a tower takes them."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (encoder_spec.mean, encoder_spec.std))
    return (torch.from_numpy(frames) / 255 - mean) / std


def test_frames_are_looked_at_alone(parts, tmp_path):
    """One by one or all at once: the same tokens, up to the last bits of a float16."""
    encoder = load(tmp_path / "model", *parts)
    frames = noise(7)
    together = encoder.encode(frames)
    assert together.shape == (7, NUM_QUERIES, DIM) == (7, encoder.num_queries, encoder.dim)
    assert together.dtype == np.float16
    assert encoder.image_size_px == SIDE_PX
    alone = np.concatenate([encoder.encode(frames[i : i + 1]) for i in range(7)])
    np.testing.assert_allclose(alone, together, atol=4e-3)
    assert np.abs(together[0].astype(np.float32) - together[1].astype(np.float32)).max() > 0.01


def test_blip2_gives_what_transformers_gives(tmp_path):
    """The whole Blip2Model of transformers, language model included, computes the same query tokens."""
    from transformers import Blip2Model

    folder = write_blip2(tmp_path / "blip2")
    model = Blip2Model.from_pretrained(folder, local_files_only=True).eval()
    frames = noise(3)
    with torch.inference_mode():
        expected = model.get_qformer_features(normalised(vision_spec(folder, None, (-2,)), frames))
    found = load(tmp_path / "model", folder).encode(frames)
    np.testing.assert_allclose(found, expected.numpy(), atol=4e-3)


def test_shards_without_vision_are_not_needed(tmp_path):
    """Of a sharded Blip2Model only the shards that hold what sees are read: the rest need not be there."""
    whole = load(tmp_path / "one", write_blip2(tmp_path / "blip2")).encode(noise(2))
    sharded = write_blip2(tmp_path / "sharded", max_shard_size="20KB")
    shards = json.loads((sharded / "model.safetensors.index.json").read_text())["weight_map"]
    seeing = {file for name, file in shards.items() if not name.startswith("language_")}
    blind = set(shards.values()) - seeing
    assert blind
    for name in blind:
        (sharded / name).unlink()
    np.testing.assert_array_equal(load(tmp_path / "two", sharded).encode(noise(2)), whole)


def test_half_precision_weights_are_raised_on_a_cpu(tmp_path):
    """Published weights are often float16; a CPU computes in float32 all the same."""
    folder = write_blip2(tmp_path / "blip2")
    whole = load(tmp_path / "one", folder).encode(noise(2)).astype(np.float32)
    tensors = {name: tensor.half() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors")
    half = load(tmp_path / "two", folder).encode(noise(2)).astype(np.float32)
    np.testing.assert_allclose(half, whole, atol=0.02)


def test_the_last_layer_but_one_is_read_with_its_class_token(tmp_path):
    """Computed again by hand: second of three layers, class token first, norm, Q-Former."""
    import open_clip
    from transformers import Blip2QFormerModel

    vit, folder = write_vit(tmp_path / "vit"), write_qformer(tmp_path / "qf")
    tower = open_clip.create_model(f"local-dir:{vit}").visual.eval()
    seen = []
    tower.transformer.resblocks[1].register_forward_hook(lambda *call: seen.append(call[2]))
    own = load_file(folder / "query_tokens.safetensors")
    frames = noise(2)
    with torch.inference_mode():
        tower(normalised(vision_spec(vit, folder, (-2,)), frames))
        (patches,) = seen
        assert patches.shape[:2] == (2, 1 + 4)
        features = torch.nn.functional.layer_norm(
            patches, patches.shape[-1:], own["ln_vision.weight"], own["ln_vision.bias"]
        )
        qformer = Blip2QFormerModel.from_pretrained(folder, local_files_only=True).eval()
        queries = own["query_tokens"].expand(2, -1, -1)
        expected = qformer(query_embeds=queries, encoder_hidden_states=features).last_hidden_state
    found = load(tmp_path / "model", vit, folder).encode(frames)
    np.testing.assert_allclose(found, expected.numpy(), atol=4e-3)


def test_the_qformer_of_a_blip2_model_can_read_another_tower(tmp_path):
    """It brings the norm with it that it was trained behind."""
    vit, blip2 = write_vit(tmp_path / "vit"), write_blip2(tmp_path / "blip2")
    with_norm = load(tmp_path / "one", vit, blip2).encode(noise(2))
    tensors = load_file(blip2 / "model.safetensors")
    tensors["vision_model.post_layernorm.bias"] += 1
    save_file(tensors, blip2 / "model.safetensors")
    assert np.abs(load(tmp_path / "two", vit, blip2).encode(noise(2)) - with_norm).max() > 0.01


def test_a_tower_of_another_width_is_refused(tmp_path):
    """A Q-Former reads only what it was trained on; both widths are named."""
    with pytest.raises(ModelLoadError, match="tokens of width 48, the Q-Former reads 24"):
        load(tmp_path / "model", write_vit(tmp_path / "vit", width=48), write_qformer(tmp_path / "qf"))


def test_a_layer_that_is_not_there_is_refused(tmp_path):
    """The setting to change is named."""
    with pytest.raises(ModelLoadError, match=r"gives no patch tokens .*feature_layers"):
        load(tmp_path / "model", write_vit(tmp_path / "vit"), write_qformer(tmp_path / "qf"), layers=(-9,))


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        ("vision_model.embeddings.class_embedding", "the vision model cannot be loaded"),
        ("qformer.layernorm.bias", "the Q-Former cannot be loaded"),
        ("query_tokens", "no tensor query_tokens"),
    ],
)
def test_missing_tensors_are_an_error(tmp_path, tensor, message):
    """Weights of another model are refused, not partly loaded."""
    folder = write_blip2(tmp_path / "blip2")
    tensors = load_file(folder / "model.safetensors")
    del tensors[tensor]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelLoadError, match=message):
        load(tmp_path / "model", folder)


def test_a_broken_file_is_named(tmp_path):
    """A download that was cut off."""
    folder = write_blip2(tmp_path / "blip2")
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelLoadError, match=r"model\.safetensors: cannot be read as safetensors"):
        load(tmp_path / "model", folder)


@pytest.mark.parametrize("config", [{}, {"model_cfg": {"vision_cfg": 3}}, []])
def test_a_tower_whose_configuration_is_another_is_an_error(tmp_path, config):
    """The file and what it lacks."""
    vit, qformer = write_vit(tmp_path / "vit"), write_qformer(tmp_path / "qformer")
    (vit / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelLoadError, match=r"open_clip_config.json: no model_cfg.vision_cfg"):
        vision_spec(vit, qformer, (-2,))
