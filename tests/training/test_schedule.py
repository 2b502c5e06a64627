"""The learning rate rises over the warm-up and falls to zero."""

import pytest

from narrator_ray.config import TrainingSettings
from narrator_ray.training.schedule import learning_rate

PEAK = 1e-4


@pytest.mark.parametrize(("schedule", "middle", "last"), [("cosine", 0.5, 0), ("linear", 0.5, 0), ("constant", 1, 1)])
def test_a_tenth_of_warm_up(schedule, middle, last):
    """From zero to the peak in ten of a hundred steps; half-way and at the end of the rest."""
    settings = TrainingSettings(schedule=schedule, warmup_fraction=0.1)
    rates = [learning_rate(step, 100, settings) / PEAK for step in range(101)]
    assert rates[:11] == pytest.approx([step / 10 for step in range(11)])
    assert (rates[55], rates[100]) == pytest.approx((middle, last), abs=1e-9)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_it_is_what_transformers_computes(schedule):
    """Step by step, with the paper's warm-up."""
    import torch
    from transformers import get_scheduler

    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = get_scheduler(schedule, optimizer, num_warmup_steps=4, num_training_steps=123)
    settings = TrainingSettings(schedule=schedule)
    for step in range(123):
        assert scheduler.get_last_lr()[0] == pytest.approx(learning_rate(step, 123, settings), abs=1e-12)
        optimizer.step()
        scheduler.step()


def test_without_warm_up_the_first_step_is_the_fastest():
    """Also where there is one step only."""
    settings = TrainingSettings(warmup_fraction=0)
    assert learning_rate(0, 1, settings) == PEAK
