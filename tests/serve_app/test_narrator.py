"""The narrator's replica: requests share its engine, each hears of its own clips, who leaves frees a lane."""

import asyncio
import time
from contextlib import aclosing

import numpy as np
import pytest

from narrator_ray.errors import NarratorError
from narrator_ray.model.context import ClipContext
from narrator_ray.model.presets import prepare_model
from narrator_ray.narration.job import ClipLabels, ClipResult, NarrationJob
from narrator_ray.records import Clip, Product, Rejection
from serve_app.narrator import Narrator
from tests.serve_app.ground import TINY, replicas
from tests.stages.fakes import work_item

VISION = prepare_model(TINY).spec.vision
PATIENCE_S = 30.0


def make_job(name: str, num_clips: int = 2, **changes: object) -> NarrationJob:
    """A video of that many clips."""
    rng = np.random.default_rng(len(name))
    tokens = rng.standard_normal((VISION.num_queries, VISION.dim)).astype(np.float16)
    values = {
        "job_id": name,
        "product": Product(f"{name} mug"),
        "language": "en",
        "clips": tuple(Clip(float(index), index + 1.0) for index in range(num_clips)),
        "contexts": (ClipContext(tokens, 0, ()),) * num_clips,
        "storyline": None,
        "windows": ((3, 6),) * num_clips,
        "seed": 1,
    }
    return NarrationJob(**values | changes)


async def told(narrator: Narrator, job: NarrationJob) -> list[ClipLabels | ClipResult | Rejection]:
    """All events of a job."""
    return [event async for event in narrator.narrate(work_item(job.job_id), job)]


@pytest.fixture
def narrator() -> Narrator:
    """The one of all tests."""
    return replicas()[1]


def test_each_hears_of_its_own_clips_in_order(narrator: Narrator) -> None:
    """Side by side; the label of a clip before its text. Alone or together, the same is told."""

    async def together() -> list[list]:
        return await asyncio.gather(*(told(narrator, make_job(name, 3)) for name in ("red", "blue", "green")))

    for name, events in zip(("red", "blue", "green"), asyncio.run(together()), strict=True):
        assert [(type(event), event.clip_index) for event in events] == [
            (kind, index) for index in range(3) for kind in (ClipLabels, ClipResult)
        ]
        assert all(event.job_id == name for event in events)
        assert [event.script_labels for event in events[::2]] == [event.script_labels for event in events[1::2]]
        alone = asyncio.run(told(narrator, make_job(name, 3)))
        assert [event.text for event in alone[1::2]] == [event.text for event in events[1::2]]


def test_who_leaves_frees_a_lane(narrator: Narrator) -> None:
    """By closing, or by being cancelled; the engine is idle long before the video would have ended."""

    async def leave(name: str, is_cancelled: bool) -> None:
        job = make_job(name, 500)
        events = narrator.narrate(work_item(name), job)
        async with aclosing(events):
            await anext(events)
            if is_cancelled:
                reading = asyncio.ensure_future(anext(events))
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        assert await told(narrator, make_job("next", 1))

    for is_cancelled in (False, True):
        asyncio.run(leave(f"long {is_cancelled}", is_cancelled))
        deadline = time.monotonic() + PATIENCE_S
        while narrator._shared._at_work:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not narrator._listeners


def test_who_asks_for_what_is_narrated_already_hears_all_of_it(narrator: Narrator) -> None:
    """As an ingress does that takes up the job of one that died, whose call goes on until its death is noticed."""

    async def takeover() -> list[ClipLabels | ClipResult | Rejection]:
        job = make_job("red", 40)
        async with aclosing(narrator.narrate(work_item("red"), job)) as orphan:
            async for event in orphan:
                if isinstance(event, ClipResult) and event.clip_index == 2:
                    break
            taking_up = asyncio.ensure_future(told(narrator, job))
            await asyncio.sleep(0.1)
        return await taking_up

    events = asyncio.run(takeover())
    assert [event.clip_index for event in events if isinstance(event, ClipResult)] == list(range(40))
    assert all(event.job_id == "red" for event in events)


def test_a_video_that_cannot_be_narrated_is_rejected(narrator: Narrator) -> None:
    """It ends with why; nobody beside it notices."""

    async def together() -> list[list]:
        jobs = make_job("red"), make_job("voice", adapter="north")
        return await asyncio.gather(*(told(narrator, job) for job in jobs))

    good, (bad,) = asyncio.run(together())
    assert len(good) == 4
    assert isinstance(bad, Rejection)
    assert "no adapter north" in bad.detail


def test_health_is_that_a_clip_can_be_narrated(narrator: Narrator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where clips have been narrated since the last check, that shows it; else one is narrated."""

    def health() -> list[str]:
        seen: list[str] = []
        submit = narrator._shared.submit
        with monkeypatch.context() as patch:
            patch.setattr(narrator._shared, "submit", lambda work, job: seen.append(job.job_id) or submit(work, job))
            asyncio.run(narrator.check_health())
        return seen

    asyncio.run(told(narrator, make_job("red")))
    assert health() == []
    assert [name.partition(" #")[0] for name in health()] == ["health check"]

    def fail(*_: object) -> None:
        raise RuntimeError("no device")

    narrator._shared._thread.submit(lambda: None).result()  # the engine has come to rest
    narrator._num_told_at_check = narrator._num_told
    with monkeypatch.context() as patch:
        patch.setattr(narrator._shared._engine, "narrate", fail)
        with pytest.raises(NarratorError, match="no device"):
            asyncio.run(narrator.check_health())
