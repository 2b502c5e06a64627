"""Batches: every sample once an epoch, within the budget, the same for everyone who asks, from any place on."""

from itertools import chain, cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrator_ray.errors import ConfigError
from narrator_ray.training.order import BatchOrder, Place, Step

LENGTHS = st.lists(st.integers(1, 90), min_size=1, max_size=80)


@settings(deadline=None)
@given(LENGTHS, st.integers(90, 400), st.integers(0, 5))
def test_every_sample_comes_once_an_epoch_within_the_budget(lengths, budget, epoch):
    """Padding counts."""
    batches = BatchOrder(lengths, budget, seed=3).epoch(epoch)
    assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[index] for index in batch) <= budget for batch in batches)


def samples_of(rounds: Step) -> list[int]:
    """Of one step, by all workers."""
    return sorted(chain.from_iterable(chain.from_iterable(rounds)))


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 6), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_step_has_the_same_samples_whoever_takes_it(lengths, num_batches, counts):
    """Workers come and go after every step; each has a batch in every round, and the epoch is every sample once."""
    order = BatchOrder(lengths, budget=200, seed=1)
    undisturbed = [(samples_of(rounds), after) for rounds, after in order.steps(Place(), num_batches)]
    assert len(undisturbed) == order.num_steps(0, num_batches)
    assert sorted(chain.from_iterable(step for step, _ in undisturbed)) == list(range(len(lengths)))
    place, taken = Place(), []
    for count in cycle(counts):
        rounds, place = next(order.steps(place, num_batches, count))
        assert all(len(batches) == count for batches in rounds)
        assert len(rounds) <= -(-num_batches // count)
        taken.append((samples_of(rounds), place))
        if place.epoch == 1:
            break
    assert taken == undisturbed


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
    (([batches], _),) = BatchOrder([5] * 4, 20).steps(Place(), 3, 3)
    assert sorted(map(len, batches)) == [1, 1, 2]
    (([batches], _),) = BatchOrder([5], 20).steps(Place(), 3, 3)
    assert sorted(map(len, batches)) == [0, 0, 1]


def test_fewer_workers_take_more_rounds():
    """A step of four batches: one round of four workers, two of two; three share out what their second round has."""
    order = BatchOrder([10] * 8, 20)
    sizes = {
        count: [[len(batch) for batch in batches] for batches in next(order.steps(Place(), 4, count))[0]]
        for count in (4, 2, 3)
    }
    assert sizes == {4: [[2, 2, 2, 2]], 2: [[2, 2], [2, 2]], 3: [[2, 2, 2], [1, 1, 0]]}


def test_a_place_counts_batches_of_all_workers():
    """So that it means the same to any number of them."""
    order = BatchOrder([10] * 12, 20)
    places = [place for _, place in order.steps(Place(), 2, 2)]
    assert places == [Place(0, 2), Place(0, 4), Place(1)]
    assert len(places) == order.num_steps(0, 2)


def test_what_cannot_be_batched_is_refused():
    """Nothing to learn, or a sample that no batch holds."""
    with pytest.raises(ConfigError, match="no samples"):
        BatchOrder([], 10)
    with pytest.raises(ConfigError, match="batch_tokens"):
        BatchOrder([11], 10)
