"""Lanes of keys and values: written in place, cut back, moved."""

import torch

from narrator_ray.narration.kv_cache import LaneCache


def numbers(lanes: int, tokens: int, value: float) -> torch.Tensor:
    """Keys or values that are all one number, [lanes, 1 head, tokens, 2]."""
    return torch.full((lanes, 1, tokens, 2), value)


def test_lanes_keep_their_own_texts():
    """Texts of different length in two lanes, then one token in each."""
    cache = LaneCache(2, 1)
    cache.begin_text(0, 3)
    cache.update(numbers(1, 3, 1.0), numbers(1, 3, 1.0), 0)
    cache.begin_text(1, 1)
    cache.update(numbers(1, 1, 2.0), numbers(1, 1, 2.0), 0)
    positions, mask = cache.begin_step(2, [0, 1])
    keys, values = cache.update(torch.tensor([3.0, 4.0]).view(2, 1, 1, 1).expand(2, 1, 1, 2), numbers(2, 1, 9.0), 0)
    assert positions.tolist() == [[3], [1]]
    assert keys[0, 0, :, 0].tolist() == [1, 1, 1, 3]
    assert keys[1, 0, :2, 0].tolist() == [2, 4]
    assert values[:, 0, [3, 1], 0].diagonal().tolist() == [9, 9]
    assert mask[:, 0, 0].tolist() == [[True] * 4, [True, True, False, False]]
    assert cache.lengths == [4, 2]


def test_an_idle_lane_does_not_grow():
    """What it writes lies beyond its length and is overwritten by its next token."""
    cache = LaneCache(2, 1)
    for lane in (0, 1):
        cache.begin_text(lane, 2)
        cache.update(numbers(1, 2, 1.0), numbers(1, 2, 1.0), 0)
    cache.begin_step(2, [0])
    cache.update(numbers(2, 1, 7.0), numbers(2, 1, 7.0), 0)
    assert cache.lengths == [3, 2]
    cache.begin_step(2, [1])
    keys, _ = cache.update(numbers(2, 1, 8.0), numbers(2, 1, 8.0), 0)
    assert keys[1, 0, :3, 0].tolist() == [1, 1, 8]
    assert keys[0, 0, :3, 0].tolist() == [1, 1, 7]


def test_a_text_sees_only_what_comes_before():
    """The mask of a text of two after a text of one is a staircase."""
    cache = LaneCache(1, 1)
    cache.begin_text(0, 1)
    cache.update(numbers(1, 1, 1.0), numbers(1, 1, 1.0), 0)
    positions, mask = cache.begin_text(0, 2)
    assert positions.tolist() == [[1, 2]]
    assert mask[0, 0].tolist() == [[True, True, False], [True, True, True]]


def test_a_lane_can_be_cut_and_moved():
    """Another lane's text takes the place of one that ended."""
    cache = LaneCache(2, 1)
    for lane, value in ((0, 1.0), (1, 2.0)):
        cache.begin_text(lane, 3)
        cache.update(numbers(1, 3, value), numbers(1, 3, value), 0)
    cache.cut(1, 2)
    cache.move(1, 0)
    assert cache.lengths[0] == 2
    cache.begin_text(0, 2)
    keys, _ = cache.update(numbers(1, 2, 5.0), numbers(1, 2, 5.0), 0)
    assert keys[0, 0, :, 0].tolist() == [2, 2, 5, 5]


def test_room_grows_without_losing_anything():
    """A text longer than the first allocation keeps its beginning."""
    cache = LaneCache(1, 1)
    cache.begin_text(0, 200)
    cache.update(numbers(1, 200, 1.0), numbers(1, 200, 1.0), 0)
    cache.begin_text(0, 300)
    keys, _ = cache.update(numbers(1, 300, 2.0), numbers(1, 300, 2.0), 0)
    assert keys.shape[2] == 500
    assert keys[0, 0, [0, 199, 200, 499], 0].tolist() == [1, 1, 2, 2]
