"""Lanes of keys and values: packed tokens are written where they belong, cut back, copied, cleared."""

import torch

from narrator_ray.narration.kv_cache import LaneCache, Segment


def numbers(*values: float) -> torch.Tensor:
    """Keys or values of packed tokens, each all one number: [1, 1 head, N, 2]."""
    return torch.tensor(values).view(1, 1, -1, 1).expand(1, 1, len(values), 2)


def fill(cache: LaneCache, counts: dict[int, int], *values: float) -> None:
    """Read tokens into lanes."""
    cache.begin(counts)
    cache.update(numbers(*values), numbers(*values), 0)


def content(cache: LaneCache, lane: int) -> list[float]:
    """What a lane holds, the same in keys and values."""
    keys, values = cache.block(0)
    length = cache.lengths[lane]
    assert torch.equal(keys[lane, 0, :length], values[lane, 0, :length])
    return values[lane, 0, :length, 0].tolist()


def test_packed_tokens_reach_their_lanes():
    """Single tokens first in the order of lanes, then texts in the order asked for."""
    cache = LaneCache(4, 1)
    fill(cache, {2: 3, 0: 2}, 1, 2, 3, 4, 5)
    reading = cache.begin({2: 1, 3: 2, 1: 1, 0: 1})
    assert reading.lanes == (0, 1, 2, 3)
    assert reading.texts == (Segment(3, 3, 0, 2),)
    assert reading.positions.tolist() == [[2, 0, 3, 0, 1]]
    assert reading.rows == {0: 0, 1: 1, 2: 2, 3: 3}
    cache.update(numbers(10, 11, 12, 13, 14), numbers(10, 11, 12, 13, 14), 0)
    assert [content(cache, lane) for lane in range(4)] == [[4, 5, 10], [11], [1, 2, 3, 12], [13, 14]]


def test_a_lane_can_be_cut_back():
    """What comes after the cut is overwritten."""
    cache = LaneCache(2, 1)
    fill(cache, {0: 3, 1: 3}, 1, 2, 3, 4, 5, 6)
    cache.cut(1, 1)
    fill(cache, {1: 2}, 7, 8)
    assert content(cache, 1) == [4, 7, 8]
    assert content(cache, 0) == [1, 2, 3]


def test_a_beginning_can_be_copied():
    """The other lane goes on by itself."""
    cache = LaneCache(2, 1)
    fill(cache, {0: 3}, 1, 2, 3)
    cache.copy(0, 1, 2)
    fill(cache, {1: 1}, 9)
    assert content(cache, 1) == [1, 2, 9]
    assert content(cache, 0) == [1, 2, 3]


def test_what_is_cleared_is_zero():
    """Nothing that is no number stays behind, except in the part that is kept."""
    cache = LaneCache(1, 1)
    fill(cache, {0: 3}, 1, float("nan"), float("nan"))
    cache.clear(0, keep=1)
    assert content(cache, 0) == [1]
    assert all(torch.isfinite(block).all() for block in cache.block(0))


def test_room_grows_without_losing_anything():
    """A text longer than the first allocation keeps its beginning."""
    cache = LaneCache(2, 1)
    fill(cache, {0: 900}, *range(900))
    fill(cache, {0: 700, 1: 1}, 9, *range(900, 1600))
    assert content(cache, 0) == list(range(1600))
    assert content(cache, 1) == [9]
