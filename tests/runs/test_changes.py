"""Why a video is to be done: told apart by what differs from the run that was published last."""

from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.config import Config, load_config
from narrator_ray.errors import RejectReason
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Product, Rejection
from narrator_ray.runs.changes import Change, LastRun, explain
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.work import Fingerprints, plan_run
from tests.runs.test_publish import CONFIG, VIDEOS, plan, publish, put_result

CUP, MUG, POT = VIDEOS
PRINTS = Fingerprints("e" * 64, "n" * 64, "p")


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An output with a published run: the cup and the mug were narrated, the pot was rejected."""
    store = ResultStore.open(str(tmp_path / "out"))
    its_plan = plan(store)
    for item in its_plan.items[:2]:
        put_result(store, item)
    key = its_plan.items[2].narration_key
    rejection = Rejection("pot", POT.uri, "split_clips", RejectReason.VIDEO_UNREADABLE, "broken")
    publish(store, its_plan, [Outcome(key, rejection, (("split_clips", 1.0),))])
    return store


def changes(
    store: ResultStore,
    *videos,
    config: Config = CONFIG,
    prints: Fingerprints = PRINTS,
    version: str = "",
) -> dict[str, Change]:
    """Why, of each video."""
    its_plan = plan_run(videos, store, config, prints, lambda uri, rules: uri + version)
    return dict(explain(its_plan, LastRun.read(store), config, prints).changes)


def test_what_did_not_change_is_left_and_what_failed_is_tried_again(store: ResultStore) -> None:
    """The same catalogue on the next night, with a video more."""
    new = replace(CUP, video_id="jug", uri="/videos/jug.mp4")
    assert changes(store, *VIDEOS, new) == {
        "cup": Change.UNCHANGED,
        "mug": Change.UNCHANGED,
        "pot": Change.RETRY,
        "jug": Change.NEW,
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"frames.fps": 2}, Change.SETTINGS),
        ({"clips.max_clip_s": 9}, Change.SETTINGS),
        ({"decoding.seed": 7}, Change.SETTINGS),
        ({"length.rate_en": 3}, Change.SETTINGS),
        ({"model.memory": "none"}, Change.SETTINGS),
        ({"run.narrate_lanes": 4}, Change.UNCHANGED),
    ],
)
def test_changed_settings(store: ResultStore, settings: dict[str, object], expected: Change) -> None:
    """Those that results depend on."""
    preset, overrides = CONFIG.model.preset, [f"{key}={value}" for key, value in settings.items()]
    assert changes(store, CUP, config=load_config(preset=preset, overrides=overrides)) == {"cup": expected}


@pytest.mark.parametrize(
    "prints",
    [
        replace(PRINTS, encoder="f" * 64),
        replace(PRINTS, narrator="f" * 64),
    ],
)
def test_a_changed_model(store: ResultStore, prints: Fingerprints) -> None:
    """Either side of it."""
    assert changes(store, CUP, prints=prints) == {"cup": Change.MODEL}


def test_a_changed_way_of_writing_is_a_changed_model(store: ResultStore) -> None:
    """Prompts and decoding rules come with the software."""
    assert changes(store, CUP, prints=replace(PRINTS, prompt="q")) == {"cup": Change.MODEL}


def test_a_changed_row(store: ResultStore) -> None:
    """Its video file or its product."""
    assert changes(store, CUP, version=" uploaded again") == {"cup": Change.VIDEO}
    assert changes(store, replace(CUP, product=Product("Golden cup"))) == {"cup": Change.PRODUCT}


def test_a_result_that_was_removed_from_the_store(store: ResultStore) -> None:
    """It is made again, and the plan says why."""
    key = plan(store).items[0].narration_key
    [path] = Path(store.storage.uri.removeprefix("file://")).glob(f"narrations/*/{key}.json")
    path.unlink()
    assert changes(store, CUP) == {"cup": Change.RESULT_GONE}


def test_videos_that_are_not_in_the_catalogue_any_more(store: ResultStore) -> None:
    """They leave the published table, narrated or rejected."""
    its_plan = plan(store, (CUP,))
    assert explain(its_plan, LastRun.read(store), CONFIG, PRINTS).removed == ("mug", "pot")


def test_time_is_estimated_from_the_last_run() -> None:
    """By what each stage took a video; without a measure of decoding, not for videos to decode."""
    seconds = {"split_clips": 1.0, "encode_features": 2.0, "narrate_clips": 4.0}

    class Plan:
        rejected = ()

        def __init__(self, *has_features: bool) -> None:
            self.items = ()
            self.to_do = [type("Item", (), {"has_features": value}) for value in has_features]

    def busy_s(seconds: dict[str, float], *has_features: bool) -> float | None:
        return explain(Plan(*has_features), LastRun(seconds=seconds), CONFIG, PRINTS).busy_s

    assert busy_s(seconds, False, True) == 7.0 + 4.0
    assert busy_s({"narrate_clips": 4.0}, True) == 4.0
    assert busy_s({"narrate_clips": 4.0}, False) is None
    assert busy_s({}, True) is None


def test_an_output_without_a_run_makes_everything_new(tmp_path: Path) -> None:
    """And nothing removed."""
    store = ResultStore.open(str(tmp_path / "empty"))
    assert set(changes(store, *VIDEOS).values()) == {Change.NEW}
