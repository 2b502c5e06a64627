"""The shared engine: what is submitted while others are narrated joins them, and each caller gets its own."""

import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from narrator_ray.errors import GenerationFailed, RejectReason, StorageError
from narrator_ray.narration.job import ClipResult, JobFailure, NarrationJob
from narrator_ray.records import Clip, LabelSource, Product, Rejection
from narrator_ray.stages.shared_engine import SharedEngine
from tests.stages.fakes import work_item

PATIENCE_S = 30
SOURCE: LabelSource = "generated"


class SteppingEngine:
    """Tells one clip of every video at a time; what it does with a video hangs on the video's name.

    Attributes:
        met: Names of the videos that were at work together, step by step.
        gate: Every step waits for it.
    """

    def __init__(self) -> None:
        self.met: list[tuple[str, ...]] = []
        self.cancelled: set[str] = set()
        self.gate = threading.Semaphore(0)

    def cancel(self, job_id: str) -> None:
        """As the real engine, after the step that is under way."""
        self.cancelled.add(job_id)

    def narrate(self, jobs: Iterable[NarrationJob | None]) -> Iterator[ClipResult | JobFailure]:
        """As the real engine, with any number of lanes."""
        source, lanes = iter(jobs), dict[str, tuple[NarrationJob, int]]()
        while True:
            while (job := next(source, None)) is not None:
                lanes[job.job_id] = (job, 0)
            if not lanes:
                return
            assert self.gate.acquire(timeout=PATIENCE_S)
            self.met.append(tuple(lanes))
            for name, (job, index) in list(lanes.items()):
                yield self._step(job, index)
                lanes[name] = (job, index + 1)
                if index + 1 == len(job.clips) or name == "fail" or name in self.cancelled:
                    del lanes[name]

    def _step(self, job: NarrationJob, index: int) -> ClipResult | JobFailure:
        if job.job_id == "fail":
            return JobFailure(job.job_id, GenerationFailed(RejectReason.GENERATION_FAILED, "no words"))
        if job.job_id == "crash":
            raise RuntimeError("out of lanes")
        if job.job_id == "stop":
            raise StorageError("disk full")
        return ClipResult(job.job_id, index, (), SOURCE, f"{job.job_id} {index}", 2, 50)


def job(name: str, num_clips: int = 2) -> NarrationJob:
    """A video of that many clips."""
    clips = tuple(Clip(float(index), index + 1.0) for index in range(num_clips))
    return NarrationJob(name, Product(name), "en", clips, (), None, ((1, 9),) * num_clips, 0)


@pytest.fixture
def engine() -> SteppingEngine:
    """An engine that waits to be let on."""
    return SteppingEngine()


@pytest.fixture
def shared(engine: SteppingEngine) -> SharedEngine:
    """The same for many callers."""
    return SharedEngine(engine, "narrate_clips", lambda clip: None)


def texts(outcome: tuple[ClipResult, ...] | Rejection) -> list[str]:
    """What was told of a video."""
    assert not isinstance(outcome, Rejection)
    return [clip.text for clip in outcome]


def test_a_late_video_joins_those_at_work(engine: SteppingEngine) -> None:
    """It does not wait for the end of a longer one, nor is it waited for."""
    told_early = threading.Event()
    shared = SharedEngine(engine, "narrate_clips", lambda clip: told_early.set())
    early = shared.submit(work_item("early"), job("early", 4))
    engine.gate.release()
    assert told_early.wait(PATIENCE_S)
    late = shared.submit(work_item("late"), job("late", 1))
    engine.gate.release(9)
    assert texts(late.result(PATIENCE_S).outcome) == ["late 0"]
    assert texts(early.result(PATIENCE_S).outcome) == [f"early {index}" for index in range(4)]
    assert ("early", "late") in engine.met
    assert engine.met[-1] == ("early",)


def test_a_crash_costs_the_video_that_causes_it(engine: SteppingEngine, shared: SharedEngine) -> None:
    """Those beside it are told from their first clip, once; those that wait are told after it."""
    engine.gate.release(99)
    asked = [shared.submit(work_item(name), job(name)) for name in ("red", "crash", "blue", "fail", "green")]
    red, crash, blue, fail, green = (future.result(PATIENCE_S).outcome for future in asked)
    assert [texts(outcome) for outcome in (red, blue, green)] == [
        [f"{name} 0", f"{name} 1"] for name in ("red", "blue", "green")
    ]
    assert isinstance(crash, Rejection)
    assert isinstance(fail, Rejection)
    assert (crash.video_id, crash.reason, fail.reason) == (
        "crash",
        RejectReason.UNEXPECTED,
        RejectReason.GENERATION_FAILED,
    )
    assert "out of lanes" in crash.detail


def test_an_engine_that_cannot_begin_rejects_all() -> None:
    """Nobody waits for ever."""

    class BrokenEngine:
        def narrate(self, jobs: Iterable[NarrationJob | None]) -> Iterator[ClipResult | JobFailure]:
            raise RuntimeError("no device")

    shared = SharedEngine(BrokenEngine(), "narrate_clips", lambda clip: None)
    asked = [shared.submit(work_item(name), job(name)) for name in ("red", "blue")]
    outcomes = [future.result(PATIENCE_S).outcome for future in asked]
    assert all(isinstance(outcome, Rejection) and "no device" in outcome.detail for outcome in outcomes)


def test_what_stops_the_run_reaches_every_caller(engine: SteppingEngine, shared: SharedEngine) -> None:
    """Nobody waits for ever; the engine serves whoever comes afterwards."""
    asked = [shared.submit(work_item(name), job(name, 9)) for name in ("red", "stop")]
    engine.gate.release(99)
    for future in asked:
        with pytest.raises(StorageError):
            future.result(PATIENCE_S)
    assert texts(shared.submit(work_item("blue"), job("blue")).result(PATIENCE_S).outcome) == ["blue 0", "blue 1"]


def test_a_video_that_is_asked_for_twice_is_narrated_once(engine: SteppingEngine, shared: SharedEngine) -> None:
    """As when a task is run again while its first try still runs."""
    first, second = (shared.submit(work_item("red"), job("red")) for _ in range(2))
    engine.gate.release(2)
    assert first.result(PATIENCE_S) == second.result(PATIENCE_S)
    assert engine.met == [("red",), ("red",)]


def test_the_engines_time_is_shared_out(engine: SteppingEngine, shared: SharedEngine) -> None:
    """Seconds of videos side by side add up to no more than went by."""
    started = time.perf_counter()
    asked = [shared.submit(work_item(name), job(name)) for name in ("red", "blue", "green")]
    engine.gate.release(9)
    seconds = [future.result(PATIENCE_S).cost.busy_s for future in asked]
    assert all(spent_s > 0 for spent_s in seconds)
    assert sum(seconds) <= time.perf_counter() - started


def test_a_cancelled_video_frees_its_lane(engine: SteppingEngine, shared: SharedEngine) -> None:
    """At work or waiting; the others are told, and one of the same name can be asked for again."""
    red, blue = (shared.submit(work_item(name), job(name, 9)) for name in ("red", "blue"))
    engine.gate.release()
    while not engine.met:
        time.sleep(0.001)
    shared.cancel("red")
    shared.cancel("nobody")
    assert red.cancelled()
    engine.gate.release(99)
    assert len(texts(blue.result(PATIENCE_S).outcome)) == 9
    assert engine.met[-1] == ("blue",)
    engine.cancelled.clear()
    assert len(texts(shared.submit(work_item("red"), job("red")).result(PATIENCE_S).outcome)) == 2


def test_a_video_cancelled_while_it_waits_is_never_begun(engine: SteppingEngine, shared: SharedEngine) -> None:
    """The engine does not hear of it."""
    held, began = threading.Event(), threading.Event()

    def hold() -> None:
        began.set()
        held.wait(PATIENCE_S)

    shared._thread.submit(hold)
    assert began.wait(PATIENCE_S)
    asked = {name: shared.submit(work_item(name), job(name)) for name in ("red", "blue")}
    shared.cancel("red")
    held.set()
    engine.gate.release(99)
    assert len(texts(asked["blue"].result(PATIENCE_S).outcome)) == 2
    assert asked["red"].cancelled()
    assert all(met == ("blue",) for met in engine.met)
    assert engine.cancelled == set()


def test_a_crash_after_a_cancelled_video_costs_nobody_else(engine: SteppingEngine, shared: SharedEngine) -> None:
    """Those at work are told apart, without the one that nobody wants any more."""
    red, blue = (shared.submit(work_item(name), job(name, 3)) for name in ("red", "blue"))
    engine.gate.release()
    while not engine.met:
        time.sleep(0.001)
    shared.cancel("red")
    crash = shared.submit(work_item("crash"), job("crash"))
    engine.gate.release(99)
    assert len(texts(blue.result(PATIENCE_S).outcome)) == 3
    assert isinstance(crash.result(PATIENCE_S).outcome, Rejection)
    assert red.cancelled()
