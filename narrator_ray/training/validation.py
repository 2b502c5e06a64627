"""The loss on held-out videos, by all workers together."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from narrator_ray.config import TrainingSettings
from narrator_ray.training.batches import TensorBatch
from narrator_ray.training.engine import Engine
from narrator_ray.training.examples import Sample
from narrator_ray.training.learner import Learner
from narrator_ray.training.order import BatchOrder, Place
from narrator_ray.training.workers import Workers


class Validation:
    """Held-out samples, in batches like those of training.

    Args:
        samples: What is held out.
        lengths: Tokens of each sample.
        settings: The recipe.
    """

    def __init__(self, samples: Sequence[Sample], lengths: Sequence[int], settings: TrainingSettings) -> None:
        self._samples = samples
        self._order = BatchOrder(lengths, settings.batch_tokens, settings.seed)

    def loss(self, learner: Learner, engine: Engine, workers: Workers) -> float:
        """Mean cross entropy of the supervised tokens. All workers must ask; a worker without a batch reads one along.

        Args:
            learner: What is trained.
            engine: Who takes its steps.
            workers: Those that train together.
        """
        learner.narrator.eval()
        pad, total, num_supervised = learner.narrator.tokenizer.pad_token_id, 0.0, 0
        with torch.no_grad():
            for (batches,), _ in self._order.steps(Place(), workers.count, workers.count):
                own = batches[workers.index]
                batch = TensorBatch.of([self._samples[index] for index in own or (0,)], pad)
                loss = engine.loss(batch).item()
                total += loss if own else 0.0
                num_supervised += batch.num_supervised if own else 0
        summed, count = workers.summed([total, num_supervised])
        return summed / count
