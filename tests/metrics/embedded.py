"""Vectors of the recorded tiny BERT."""

from functools import cache

import numpy as np

from narrator_ray.metrics.sentence_model import SentenceModel
from tests.metrics.golden import GOLDEN


@cache
def _model() -> SentenceModel:
    return SentenceModel(GOLDEN / "bert_tiny")


def vectors(texts: list[str]) -> np.ndarray:
    """float32 [N, D] of length 1."""
    return _model().embed(texts)
