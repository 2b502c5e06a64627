"""Why a video is to be done: each kind of change has its own name, and rejections hold until something changes."""

from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.config import load_config
from narrator_ray.errors import ConfigError, RejectReason, UnreadableVideo
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Product
from narrator_ray.runs import comparison
from narrator_ray.runs.published import open_latest
from narrator_ray.runs.reasons import RETRY_ALL, WorkReason, retry_reasons
from tests.runs.nights import PRINTS, VIDEOS, night, plan_of

EMPTY = UnreadableVideo(RejectReason.VIDEO_EMPTY, "no bytes")
AWAY = UnreadableVideo(RejectReason.SOURCE_UNAVAILABLE, "no answer")


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An empty output."""
    return ResultStore.open(str(tmp_path / "out"))


def reasons(plan) -> dict[str, str]:
    """Reason by video."""
    return {planned.item.video.video_id: str(planned.reason) for planned in plan.videos}


def rejected(store: ResultStore) -> dict[str, dict]:
    """The published rejections by video."""
    return {row["video_id"]: row for row in open_latest(store.storage.uri).rejected.to_pylist()}


def test_every_change_is_called_by_its_name(store):
    """New video, other file, other product; the rest is unchanged."""
    night(store)
    cup, mug, pot = VIDEOS
    changed = [cup, replace(mug, uri="/videos/mug2.mp4"), replace(pot, product=Product("Pot", ())), replace(cup)]
    changed[3] = replace(cup, video_id="jug", product=Product("Jug"))
    assert reasons(plan_of(store, changed)) == {
        "cup": "unchanged",
        "mug": "changed_video",
        "pot": "changed_product",
        "jug": "new",
    }


def test_a_moved_or_renamed_row_is_not_done_again(store):
    """A result is named by what it is made of, not by the row's id."""
    night(store)
    assert reasons(plan_of(store, [replace(VIDEOS[0], video_id="cup-2")])) == {"cup-2": "unchanged"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prints": replace(PRINTS, narrator="m" * 64)}, "changed_model"),
        ({"prints": replace(PRINTS, encoder="m" * 64)}, "changed_model"),
        ({"prints": replace(PRINTS, prompt="p2")}, "changed_model"),
        ({"config": load_config(preset="tiny-random", overrides=["decoding.seed=7"])}, "changed_settings"),
        ({"config": load_config(preset="tiny-random", overrides=["frames.fps=2"])}, "changed_settings"),
        ({"config": load_config(preset="tiny-random", overrides=["run.videos_per_task=2"])}, "unchanged"),
    ],
)
def test_models_and_settings_are_told_apart(store, change, reason):
    """What holds for all videos is the reason for all of them."""
    night(store)
    assert set(reasons(plan_of(store, **change)).values()) == {reason}


def test_a_result_that_was_removed_is_made_again(store):
    """The run refers to it, but it is gone."""
    plan = night(store)
    item = next(plan.videos).item
    store.storage.delete([store.narration_path(item.narration_key)])
    assert reasons(plan_of(store))["cup"] == "result_gone"


def test_a_removed_video_leaves_the_table_and_not_the_store(store):
    """It comes back without any work."""
    night(store)
    night(store, VIDEOS[:2])
    assert open_latest(store.storage.uri).narrations["video_id"].to_pylist() == ["cup", "mug"]
    assert len(store.known_narrations()) == 3
    assert night(store).num_to_do == 0


def test_a_rejection_holds_until_it_is_asked_for(store):
    """A broken file is not tried again by itself, keeps its row and its times, and is counted where it is tried."""
    night(store, rejected={"mug": EMPTY})
    before = rejected(store)["mug"]
    again = night(store)
    assert (again.num_to_do, reasons(again)["mug"]) == (0, "still_rejected")
    assert rejected(store)["mug"] == before
    asked = night(store, rejected={"mug": EMPTY}, retry=frozenset({RejectReason.VIDEO_EMPTY}))
    assert reasons(asked) == {"cup": "unchanged", "mug": "retry", "pot": "unchanged"}
    after = rejected(store)["mug"]
    assert (before["attempts"], after["attempts"]) == (1, 2)
    assert after["first_seen_at"] == before["first_seen_at"] <= after["last_seen_at"]
    assert reasons(plan_of(store, retry=frozenset({RejectReason.PROMPT_TOO_LONG})))["mug"] == "still_rejected"


def test_a_transient_rejection_is_tried_every_night(store):
    """A network that failed may answer tonight; what is narrated is no longer rejected."""
    night(store, rejected={"mug": AWAY})
    assert reasons(night(store, rejected={"mug": AWAY}))["mug"] == "retry"
    assert rejected(store)["mug"]["attempts"] == 2
    assert reasons(night(store))["mug"] == "retry"
    assert rejected(store) == {}


@pytest.mark.parametrize(
    "override", ["frames.max_video_s=7200", "clips.min_clip_s=1.4", "decoding.seed=3", "length.rate_en=3"]
)
def test_a_rejection_falls_with_the_settings_it_was_made_under(store, override):
    """A limit that is in no key counts too: a longer limit lets a video in that was too long."""
    night(store, rejected={"mug": UnreadableVideo(RejectReason.VIDEO_TOO_LONG, "4000 s")})
    config = load_config(preset="tiny-random", overrides=[override])
    assert reasons(plan_of(store, config=config))["mug"] == "changed_settings"


def test_a_rejection_falls_with_the_row_the_file_and_the_program(store, monkeypatch):
    """Another file or product, or another version of the program, deserves another try, which counts from one."""
    night(store, rejected={"mug": EMPTY})
    mug = VIDEOS[1]
    assert reasons(plan_of(store, [replace(mug, uri="/videos/mug2.mp4")]))["mug"] == "changed_video"
    assert reasons(plan_of(store, [replace(mug, product=Product("Mug"))]))["mug"] == "changed_product"
    night(store, [replace(mug, product=Product("Mug"))], rejected={"mug": EMPTY})
    assert rejected(store)["mug"]["attempts"] == 1
    monkeypatch.setattr(comparison, "__version__", "0.0.0")
    assert WorkReason(reasons(plan_of(store, [replace(mug, product=Product("Mug"))]))["mug"]).is_work


def test_a_file_that_is_still_missing_is_counted_and_one_that_came_is_done(store):
    """Looking costs nothing, so every run looks."""
    lost = replace(VIDEOS[0], uri="/videos/missing.mp4")
    for attempts in (1, 2):
        assert reasons(night(store, [lost])) == {"cup": "not_found"}
        assert rejected(store)["cup"]["attempts"] == attempts
    assert reasons(plan_of(store)) == {"cup": "retry", "mug": "new", "pot": "new"}


def test_details_are_bounded(store):
    """A decoder's tale of many pages is cut."""
    night(store, rejected={"mug": UnreadableVideo(RejectReason.VIDEO_UNREADABLE, "x" * 10_000)})
    assert len(rejected(store)["mug"]["detail"]) <= 500


def test_reasons_to_retry_are_checked():
    """All, some, none; a misspelt one is named together with those there are."""
    assert retry_reasons([RETRY_ALL]) == frozenset(RejectReason)
    assert retry_reasons(["video_empty"]) == {RejectReason.VIDEO_EMPTY}
    assert retry_reasons([]) == frozenset()
    with pytest.raises(ConfigError, match=r"video_emtpy.*video_empty"):
        retry_reasons(["video_emtpy"])


def test_without_a_published_run_all_is_new(store):
    """Results of a killed run are used, though nothing was published."""
    assert set(reasons(plan_of(store)).values()) == {"new"}


def test_a_run_of_an_older_version_is_no_comparison(store):
    """Its tables lack what is compared; what is done stays done."""
    night(store, rejected={"mug": EMPTY})
    run_id = open_latest(store.storage.uri).run_id
    store.storage.delete([f"runs/{run_id}/videos.parquet"])
    assert reasons(plan_of(store)) == {"cup": "unchanged", "mug": "new", "pot": "unchanged"}
