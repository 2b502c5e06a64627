"""How many replicas a stage begins with."""

import pytest

from narrator_ray.stages.stage import Stage


@pytest.mark.parametrize(
    ("num_videos", "expected"), [(0, 1), (1, 1), (64, 1), (65, 2), (128, 2), (256, 4), (10_000, 4)]
)
def test_replicas_to_begin_with_have_their_hands_full(num_videos: int, expected: int) -> None:
    """Up to as many as there may be; one where there is little to do."""
    stage = Stage("narrate", object, {}, batch_videos=4, num_actors=4, calls_per_actor=32, videos_per_actor=64)
    assert stage.least_actors(num_videos) == expected


def test_tasks_have_no_replicas() -> None:
    """The number says nothing of them."""
    assert Stage("decode", object, {}, batch_videos=1).least_actors(100) == 1
