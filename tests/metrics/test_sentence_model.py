"""Any transformer encoder gives vectors of texts, the same in whatever batches."""

import numpy as np
import pytest

from narrator_ray.errors import ModelLoadError
from narrator_ray.metrics.sentence_model import SentenceModel
from tests.metrics.tiny_models import save_bert

TEXTS = ["红色的杯子", "杯子", "红", "杯子", ""]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A tiny random BERT with 16 positions."""
    path = tmp_path_factory.mktemp("bert")
    save_bert(path)
    return path


def test_vectors_are_of_length_one_and_in_order(directory):
    """Equal texts have equal vectors, even the empty one has one."""
    vectors = SentenceModel(directory).embed(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(vectors[1], vectors[3])
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("batch_texts", [1, 2, 64])
def test_batches_do_not_matter(directory, batch_texts):
    """Beyond rounding: padding is masked."""
    expected = SentenceModel(directory, batch_texts=1).embed(TEXTS)
    np.testing.assert_allclose(SentenceModel(directory, batch_texts=batch_texts).embed(TEXTS), expected, atol=1e-6)


def test_a_vector_is_the_mean_of_the_states(directory):
    """Special tokens included, as in the released code."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    inputs = AutoTokenizer.from_pretrained(directory)("红色", return_tensors="pt")
    with torch.inference_mode():
        mean = AutoModel.from_pretrained(directory)(**inputs).last_hidden_state[0].mean(0).numpy()
    np.testing.assert_allclose(SentenceModel(directory).embed(["红色"])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_long_texts_are_cut(directory):
    """At the encoder's context, instead of failing."""
    vectors = SentenceModel(directory).embed(["杯" * 14, "杯" * 400])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_other_directories_are_refused(directory, tmp_path):
    """An empty one, and weights that would have to be unpickled."""
    with pytest.raises(ModelLoadError, match="safetensors"):
        SentenceModel(tmp_path)
    for file in directory.iterdir():
        (tmp_path / file.name.replace("model.safetensors", "pytorch_model.bin")).write_bytes(file.read_bytes())
    with pytest.raises(ModelLoadError, match="safetensors"):
        SentenceModel(tmp_path)
