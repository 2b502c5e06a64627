"""Batches: every sample once an epoch, within the budget, the same for everyone who asks, from any place on."""

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrator_ray.errors import ConfigError
from narrator_ray.training.order import BatchOrder, Place

LENGTHS = st.lists(st.integers(1, 90), min_size=1, max_size=80)


@settings(deadline=None)
@given(LENGTHS, st.integers(90, 400), st.integers(0, 5))
def test_every_sample_comes_once_an_epoch_within_the_budget(lengths, budget, epoch):
    """Padding counts."""
    batches = BatchOrder(lengths, budget, seed=3).epoch(epoch)
    assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[index] for index in batch) <= budget for batch in batches)


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 5), st.integers(1, 5), st.integers(0, 6))
def test_no_sample_is_lost_or_doubled_when_training_is_resumed_with_other_workers(lengths, before, after, rounds_done):
    """Stopped after any round and taken up by any number of workers: the epoch is still every sample once."""
    order = BatchOrder(lengths, budget=200, seed=1)
    place, learnt = Place(), []
    for _, (batches, after_round) in zip(range(rounds_done), order.rounds(place, before), strict=False):
        assert len(batches) == before
        learnt += chain.from_iterable(batches)
        place = after_round
    if place.epoch == 0:
        left = list(order.rounds(place, after))
        learnt += chain.from_iterable(chain.from_iterable(batches for batches, _ in left))
        place = left[-1][1]
    assert place == Place(1)
    assert sorted(learnt) == list(range(len(lengths)))


def test_epochs_and_seeds_differ_and_repeat():
    """Epoch and seed decide the order, and nothing else."""
    lengths = [10 + index % 7 for index in range(60)]
    order = BatchOrder(lengths, 100, seed=1)
    assert order.epoch(0) == BatchOrder(lengths, 100, seed=1).epoch(0)
    assert order.epoch(0) != order.epoch(1)
    assert order.epoch(0) != BatchOrder(lengths, 100, seed=2).epoch(0)


def test_samples_of_like_length_stand_together():
    """A tenth of padding at most where lengths spread over a factor of twenty."""
    lengths = [10 + 2 * (37 * index % 100) for index in range(2000)]
    batches = BatchOrder(lengths, 1000).epoch(0)
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    assert padded < 1.1 * sum(lengths)


def test_the_last_round_is_shared_out():
    """One batch of four samples and three workers: nobody waits; with one sample two get nothing."""
    ((batches, _),) = BatchOrder([5] * 4, 20).rounds(Place(), 3)
    assert sorted(map(len, batches)) == [1, 1, 2]
    ((batches, _),) = BatchOrder([5], 20).rounds(Place(), 3)
    assert sorted(map(len, batches)) == [0, 0, 1]


def test_a_place_counts_batches_of_all_workers():
    """So that it means the same to any number of them."""
    order = BatchOrder([10] * 12, 20)
    places = [place for _, place in order.rounds(Place(), 2)]
    assert places == [Place(0, 2), Place(0, 4), Place(1)]
    assert len(places) == order.num_rounds(0, 2)


def test_what_cannot_be_batched_is_refused():
    """Nothing to learn, or a sample that no batch holds."""
    with pytest.raises(ConfigError, match="no samples"):
        BatchOrder([], 10)
    with pytest.raises(ConfigError, match="batch_tokens"):
        BatchOrder([11], 10)
