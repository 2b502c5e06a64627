"""Texts and frames come into one space, from a directory of transformers or of open_clip."""

import json

import numpy as np
import pytest

from narrator_ray.errors import ModelLoadError
from narrator_ray.metrics.clip_model import ClipModel
from tests.metrics.tiny_models import save_bert, save_chinese_clip, save_open_clip

TEXTS = ["a red cup on a table", "cup", "red"]
FRAMES = np.random.default_rng(0).integers(0, 255, (5, 3, 20, 24), np.uint8)


@pytest.fixture(scope="module", params=[save_chinese_clip, save_open_clip], ids=["transformers", "open_clip"])
def directory(request, tmp_path_factory):
    """A tiny random network of either kind."""
    path = tmp_path_factory.mktemp("clip")
    request.param(path)
    return path


@pytest.mark.parametrize("batch_size", [1, 2])
def test_vectors_share_a_space_and_batches_do_not_matter(directory, batch_size):
    """Of length 1 and equal width, beyond rounding the same one by one."""
    whole, parts = ClipModel.load(directory), ClipModel.load(directory, batch_size=batch_size)
    texts, frames = whole.embed_texts(TEXTS), whole.embed_frames(FRAMES)
    assert texts.shape == (3, 24)
    assert frames.shape == (5, 24)
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([texts, frames]), axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(parts.embed_texts(TEXTS), texts, atol=1e-5)
    np.testing.assert_allclose(parts.embed_frames(FRAMES), frames, atol=1e-5)


def test_other_directories_are_refused(tmp_path):
    """A text encoder, and an open_clip directory without its weights."""
    save_bert(tmp_path)
    with pytest.raises(ModelLoadError, match="neither a CLIP model"):
        ClipModel.load(tmp_path)
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": {}}))
    with pytest.raises(ModelLoadError, match=r"open_clip_model.safetensors is missing"):
        ClipModel.load(tmp_path)
