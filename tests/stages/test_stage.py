"""How many replicas a run begins with."""

import pytest

from narrator_ray.stages.stage import Machine, Stage, first_replicas

DECODE = Stage("decode", object, {}, batch_videos=1)


def pools(num_gpus: float = 0.0) -> list[Stage]:
    """An encoder that is busy with 12 videos and a narrator that is with 64, up to four of each."""
    shares = {"num_cpus": 0.25, "num_actors": 4, "batch_videos": 4}
    return [
        DECODE,
        Stage("encode", object, {}, videos_per_actor=12, num_gpus=num_gpus * 0.25, **shares),
        Stage("narrate", object, {}, videos_per_actor=64, num_gpus=num_gpus * 0.75, **shares),
    ]


@pytest.mark.parametrize(
    ("num_videos", "encoders", "narrators"), [(0, 1, 1), (12, 1, 1), (13, 2, 1), (64, 4, 1), (65, 4, 2), (9999, 4, 4)]
)
def test_replicas_to_begin_with_have_their_hands_full(num_videos: int, encoders: int, narrators: int) -> None:
    """Up to as many as there may be, on a machine with room for all; tasks have none."""
    expected = {"encode": encoders, "narrate": narrators}
    assert first_replicas(pools(), num_videos, Machine(64, 0)) == expected


@pytest.mark.parametrize(("num_cpus", "expected"), [(0, 1), (1, 1), (2, 2), (3, 3), (8, 4)])
def test_replicas_leave_half_of_the_cpus(num_cpus: float, expected: int) -> None:
    """Or decoding would wait for ever for what they hold."""
    assert first_replicas(pools(), 9999, Machine(num_cpus, 0)) == {"encode": expected, "narrate": expected}


@pytest.mark.parametrize(("num_gpus", "expected"), [(0, 1), (1, 1), (2, 2), (16, 4)])
def test_replicas_leave_gpus_to_each_other(num_gpus: float, expected: int) -> None:
    """A GPU holds one of each; where none is there yet, the group will come for the first."""
    assert first_replicas(pools(1.0), 9999, Machine(64, num_gpus)) == {"encode": expected, "narrate": expected}


def test_a_graph_without_replicas_has_none_to_begin_with() -> None:
    """All of it is tasks."""
    assert first_replicas([DECODE], 5, Machine(2, 0)) == {}
