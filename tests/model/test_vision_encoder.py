"""The vision encoder: frames alone, whatever their batch; both kinds of image tower; broken weights refused."""

import shutil

import numpy as np
import pytest
import torch

from narrator_ray.errors import ModelLoadError, SchemaError
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory
from narrator_ray.model.vision_encoder import OpenClipQFormerEncoder, load_vision_encoder


def noise(num_frames: int, size_px: int) -> np.ndarray:
    """Frames of noise [T, 3, size_px, size_px]."""
    return np.random.default_rng(0).integers(0, 256, (num_frames, 3, size_px, size_px), dtype=np.uint8)


@pytest.fixture(params=["tiny_directory", "nano_vision"], ids=["vit", "convolutional"])
def directory(request) -> ModelDirectory:
    """A model whose image tower is a ViT, and one whose tower is a timm network read at two depths."""
    return request.getfixturevalue(request.param)


def test_tokens_have_the_declared_shape(directory):
    """What narrator.json says is what comes out, as float16."""
    encoder = load_vision_encoder(directory)
    vision = directory.spec.vision
    tokens_TQD = encoder.encode(noise(3, encoder.image_size_px))
    assert tokens_TQD.dtype == np.float16
    assert tokens_TQD.shape == (3, vision.num_queries, vision.dim) == (3, encoder.num_queries, encoder.dim)
    assert encoder.fingerprint == directory.spec.fingerprints.encoder
    assert np.isfinite(tokens_TQD).all()


def test_batches_do_not_change_tokens(directory):
    """One by one, in twos or all at once: the same tokens, up to the last bits of a float16."""
    frames_TCHW = noise(7, directory.spec.vision.image_size_px)
    together = load_vision_encoder(directory).encode(frames_TCHW)
    pairs = load_vision_encoder(directory, batch_frames=2).encode(frames_TCHW)
    encoder = load_vision_encoder(directory)
    alone = np.concatenate([encoder.encode(frames_TCHW[i : i + 1]) for i in range(7)])
    np.testing.assert_allclose(pairs, together, atol=4e-3)
    np.testing.assert_allclose(alone, together, atol=4e-3)


def test_two_loads_give_the_same_tokens(directory):
    """Nothing in an encoder is random or in training mode."""
    frames_TCHW = noise(2, directory.spec.vision.image_size_px)
    first, second = (load_vision_encoder(directory).encode(frames_TCHW) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_different_frames_give_different_tokens(directory):
    """Black, white and noise are told apart."""
    size_px = directory.spec.vision.image_size_px
    frames_TCHW = noise(3, size_px)
    frames_TCHW[0], frames_TCHW[1] = 0, 255
    black, white, other = load_vision_encoder(directory).encode(frames_TCHW).astype(np.float32)
    assert min(np.abs(black - white).max(), np.abs(black - other).max(), np.abs(white - other).max()) > 0.1


def test_no_frames_give_no_tokens(tiny_directory):
    """An empty batch is not an error."""
    assert load_vision_encoder(tiny_directory).encode(noise(0, 48)).shape == (0, 4, 32)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_encoder_gives_the_same_tokens(tiny_directory):
    """Full batches and batches that are filled up, up to the last bits of a float16."""
    frames_TCHW = noise(6, 48)
    plain = load_vision_encoder(tiny_directory, batch_frames=4)
    compiled = load_vision_encoder(tiny_directory, batch_frames=4, is_compiled=True)
    np.testing.assert_allclose(compiled.encode(frames_TCHW), plain.encode(frames_TCHW), atol=4e-3)


def test_what_cannot_be_compiled_is_an_error(tiny_directory, monkeypatch):
    """The cause, and that the option may be dropped."""

    def refuse(function, **options):
        def run(pixels):
            raise RuntimeError("no C++\ncompiler")

        return run

    monkeypatch.setattr(torch, "compile", refuse)
    with pytest.raises(ModelLoadError, match=r"no C\+\+ compiler; .* drop load.compile_encoder"):
        load_vision_encoder(tiny_directory, is_compiled=True)


def test_read_only_frames_are_fine(tiny_directory):
    """Arrays that Arrow hands over cannot be written to."""
    frames_TCHW = noise(2, 48)
    frames_TCHW.flags.writeable = False
    assert load_vision_encoder(tiny_directory).encode(frames_TCHW).shape == (2, 4, 32)


@pytest.mark.parametrize("frames", [noise(2, 32), noise(2, 48).astype(np.float32), noise(2, 48).transpose(0, 2, 3, 1)])
def test_frames_of_another_shape_are_refused(tiny_directory, frames):
    """Frames are resized where they are decoded; here a wrong size is a mistake."""
    with pytest.raises(SchemaError, match=r"expected uint8 \[T, 3, 48, 48\]"):
        load_vision_encoder(tiny_directory).encode(frames)


class TowerThatRemembers(torch.nn.Module):
    """A tower that keeps what it was shown and gives it back as its only feature map."""

    def forward_intermediates(self, pixels_TCHW, **options):
        self.seen = pixels_TCHW
        self.options = options
        return {"image_intermediates": [pixels_TCHW]}


def test_pixels_are_normalised_with_mean_and_std(tiny_directory):
    """(x / 255 - mean) / std per channel, and only the declared layers are asked for."""
    tower = TowerThatRemembers()
    spec = tiny_directory.spec.vision.model_copy(update={"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.25, 0.2)})
    encoder = OpenClipQFormerEncoder(tower, torch.nn.Identity(), spec, fingerprint="")
    frames_TCHW = noise(2, 48)
    encoder.feature_maps(torch.from_numpy(frames_TCHW))
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (spec.mean, spec.std))
    np.testing.assert_allclose(tower.seen.numpy(), (frames_TCHW / 255 - mean) / std, atol=1e-5)
    assert tower.options["indices"] == [-1]


def test_broken_tower_weights_are_an_error(tiny_copy):
    """The directory is named."""
    (tiny_copy / "vision" / "open_clip_model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelLoadError, match="vision: open_clip cannot load the image tower"):
        load_vision_encoder(open_model_directory(tiny_copy))


def test_a_qformer_of_another_model_is_an_error(tiny_directory):
    """What is declared and what lies there must agree."""
    vision = tiny_directory.spec.vision.model_copy(update={"num_queries": 5})
    directory = ModelDirectory(tiny_directory.path, tiny_directory.spec.model_copy(update={"vision": vision}))
    with pytest.raises(ModelLoadError, match=r"query tokens are \(4, 32\), but the model declares \(5, 32\)"):
        load_vision_encoder(directory)
