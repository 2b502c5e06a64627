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
    """One alone for 1 s, two for 4 s, then the other alone for 3 s: 3 and 5 s, 8 s together."""
    watch = SharedStopwatch()
    watch.join("first")
    clock.now_s += 1.0
    watch.join("second")
    clock.now_s += 4.0
    assert watch.leave("first") == StageCost(3.0, 6.0)
    clock.now_s += 3.0
    assert watch.leave("second") == StageCost(5.0, 10.0)


def test_time_when_nobody_works_is_nobodys(clock):
    """An engine that waits for work costs no video anything."""
    watch = SharedStopwatch()
    clock.now_s += 9.0
    watch.join("late")
    clock.now_s += 2.0
    assert watch.leave("late") == StageCost(2.0, 4.0)
