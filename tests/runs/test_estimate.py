"""Time of a run to come, from runs that were."""

from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Product
from narrator_ray.runs.estimate import estimate_run
from tests.runs.nights import PRINTS, VIDEOS, night, plan_of


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An output with one run: three videos, 2 s of vision and 1 s of language each, in 10 s."""
    store = ResultStore.open(str(tmp_path / "out"))
    night(store)
    return store


def test_a_run_like_the_last_takes_as_long(store):
    """Twice as many videos take twice as long."""
    six = [replace(video, video_id=f"{video.video_id}{n}", uri=f"/{n}") for video in VIDEOS for n in (1, 2)]
    plan = plan_of(store, [replace(video, uri=f"/{video.video_id}") for video in six])
    estimate = estimate_run(store.storage, plan, PRINTS)
    assert (plan.num_to_do, plan.num_to_decode) == (6, 6)
    assert estimate.seconds == pytest.approx(20)
    assert estimate.num_runs == 1


def test_nothing_to_do_takes_no_time(store):
    """Whatever past runs took."""
    assert estimate_run(store.storage, plan_of(store), PRINTS).seconds == 0


def test_another_model_tells_nothing(store):
    """No figure rather than a wrong one."""
    prints = replace(PRINTS, narrator="m" * 64)
    assert estimate_run(store.storage, plan_of(store, prints=prints), prints) is None


def test_an_output_without_runs_tells_nothing(tmp_path):
    """A first run has no estimate."""
    store = ResultStore.open(str(tmp_path / "new"))
    assert estimate_run(store.storage, plan_of(store, [replace(VIDEOS[0], product=Product("x"))]), PRINTS) is None
