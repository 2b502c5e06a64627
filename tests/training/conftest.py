"""The model that the training tests share. Tests that train load their own."""

import pytest

from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model


@pytest.fixture(scope="session")
def narrator() -> VideoNarrator:
    """The tiny random model, in float32."""
    return VideoNarrator.load(prepare_model(find_preset("tiny-random")).path)
