"""Time that is divided among several is all given out, and once."""

from types import SimpleNamespace

import pytest

from narrator_ray.cost import StageCost
from narrator_ray.stages import stopwatch
from narrator_ray.stages.stopwatch import SharedStopwatch, Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand; two cores are busy all the time."""
    clock = SimpleNamespace(now_s=100.0)
    clock.perf_counter = lambda: clock.now_s
    clock.process_time = lambda: 2 * clock.now_s
    clock.thread_time = lambda: 0.5 * clock.now_s
    monkeypatch.setattr(stopwatch, "time", clock)
    return clock


def test_a_stopwatch_tells_time_and_cpu_time(clock):
    """In whole and in equal shares; of all threads or of its own."""
    watch, own = Stopwatch(), Stopwatch(of_thread=True)
    clock.now_s += 6.0
    assert watch.cost() == StageCost(6.0, 12.0)
    assert watch.cost(3) == StageCost(2.0, 4.0)
    assert own.cost() == StageCost(6.0, 3.0)


def test_time_is_divided_among_those_at_work(clock):
    """Two for 4 s, then one alone for 3 s: 2 and 5 s, 7 s together."""
    watch = SharedStopwatch(["short", "long"])
    clock.now_s += 4.0
    assert watch.leave("short") == StageCost(2.0, 4.0)
    clock.now_s += 3.0
    assert watch.leave("long") == StageCost(5.0, 10.0)


def test_who_is_left_at_the_end_has_its_share(clock):
    """A batch that broke off: what it took until then is charged to those that were not done."""
    watch = SharedStopwatch(["done", "left", "other"])
    clock.now_s += 3.0
    watch.leave("done")
    clock.now_s += 2.0
    assert watch.leave_all() == {"left": StageCost(2.0, 4.0), "other": StageCost(2.0, 4.0)}
    assert watch.leave_all() == {}
