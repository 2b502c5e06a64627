"""Publishing: complete or not at all, newest last, nothing lost."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.config import load_config
from narrator_ray.errors import RejectReason, StorageError
from narrator_ray.model.model_dir import Fingerprints as ModelFingerprints
from narrator_ray.model.model_dir import ModelDirectory, ModelSpec, VisionSpec
from narrator_ray.model.presets import find_preset
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, NarratedVideo, Narration, Product, Rejection, ScriptLabel, Video
from narrator_ray.runs.publish import PUBLISH, RunRecord, latest_run_id, publish_run
from narrator_ray.runs.published import open_latest
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.work import Fingerprints, RunPlan, plan_run

CONFIG = load_config(preset="tiny-random")
VISION = VisionSpec(
    kind="open_clip_qformer",
    image_size_px=32,
    num_queries=4,
    dim=8,
    mean=(0, 0, 0),
    std=(1, 1, 1),
    feature_layers=(-1,),
)
SPEC = ModelSpec(
    format="narrator-ray.model/1",
    name="made-up",
    languages=("en",),
    vision=VISION,
    is_trained=False,
    fingerprints=ModelFingerprints(encoder="e" * 64, narrator="n" * 64),
)
VIDEOS = [Video(name, f"/videos/{name}.mp4", Product(f"{name} <b>"), "en") for name in ("cup", "mug", "pot")]


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An empty output."""
    return ResultStore.open(str(tmp_path / "out"))


def plan(store: ResultStore, videos=tuple(VIDEOS)) -> RunPlan:
    """A plan over files that are never opened."""
    return plan_run(videos, store, CONFIG, Fingerprints("e" * 64, "n" * 64, "p"), lambda uri, rules: uri)


def put_result(store: ResultStore, item) -> None:
    """A one-clip result."""
    narration = Narration(
        0, Clip(0.0, 2.0), (ScriptLabel.OTHERS,), "generated", f"A {item.video.video_id}.", 2, 2, 8, 2, (0.5,)
    )
    video = item.video
    store.put_narration(
        NarratedVideo(
            video.video_id, item.narration_key, item.features_key, video.uri, video.product, "en", (narration,),
            "decord", 2.0, "made-up",
        )
    )  # fmt: skip


def publish(store: ResultStore, its_plan: RunPlan, outcomes=(), videos=tuple(VIDEOS)):
    """Publish with a made-up model."""
    model = ModelDirectory(Path("/nowhere"), SPEC)
    record = RunRecord("catalog.jsonl", CONFIG, find_preset("tiny-random"), model, time.time(), (), "p")
    return publish_run(store, videos, its_plan, outcomes, record)


def test_results_and_rejections_add_up(store):
    """Two narrated, one rejected, in the catalogue's order."""
    its_plan = plan(store)
    for item in its_plan.items[1:]:
        put_result(store, item)
    rejection = Rejection("cup", "/videos/cup.mp4", "split_clips", RejectReason.VIDEO_EMPTY, "no bytes")
    summary = publish(store, its_plan, [Outcome(its_plan.items[0].narration_key, rejection, ())])
    run = open_latest(store.storage.uri)
    assert (summary.num_videos, summary.num_narrated, summary.num_rejected) == (3, 2, 1)
    assert run.narrations["video_id"].to_pylist() == ["mug", "pot"]
    assert run.rejected["reason"].to_pylist() == ["video_empty"]


def test_a_video_that_is_neither_done_nor_rejected_stops_the_publication(store):
    """Nothing is published rather than something incomplete."""
    its_plan = plan(store)
    put_result(store, its_plan.items[0])
    with pytest.raises(StorageError, match=r"narrations/"):
        publish(store, its_plan)
    assert not store.storage.exists("latest.json")


def test_the_newest_run_is_the_one_that_is_read(store):
    """latest.json names the run that was published last; the one before stays."""
    its_plan = plan(store)
    for item in its_plan.items:
        put_result(store, item)
    first, second = publish(store, its_plan), publish(store, its_plan)
    assert latest_run_id(store.storage) == second.run_id != first.run_id
    assert store.storage.exists(f"runs/{first.run_id}/narrations.parquet")


def test_rows_that_share_a_result_share_its_rejection(store):
    """Both ids appear in the rejected table, each with its own."""
    videos = (VIDEOS[0], replace(VIDEOS[0], video_id="twin"))
    its_plan = plan(store, videos)
    rejection = Rejection("cup", "/videos/cup.mp4", "narrate_clips", RejectReason.GENERATION_FAILED, "no text")
    summary = publish(store, its_plan, [Outcome(its_plan.items[0].narration_key, rejection, ())], videos)
    assert summary.num_rejected == 2
    assert open_latest(store.storage.uri).rejected["video_id"].to_pylist() == ["cup", "twin"]


def test_a_damaged_result_costs_one_video(store):
    """The object is named, and the other videos are published."""
    its_plan = plan(store)
    for item in its_plan.items:
        put_result(store, item)
    store.storage.write(store.narration_path(its_plan.items[1].narration_key), b"{half")
    summary = publish(store, its_plan)
    (row,) = open_latest(store.storage.uri).rejected.to_pylist()
    assert (row["video_id"], row["stage"], row["reason"]) == ("mug", PUBLISH, "damaged_object")
    assert its_plan.items[1].narration_key in row["detail"]
    assert summary.num_narrated == 2


def test_the_report_escapes_untrusted_names(store):
    """Product names are text, not markup."""
    its_plan = plan(store)
    for item in its_plan.items:
        put_result(store, item)
    summary = publish(store, its_plan)
    page = store.storage.read(f"runs/{summary.run_id}/report.html").decode()
    assert "mug <b>" not in page
    assert "mug" in page


def test_an_output_without_a_run_says_what_to_do(tmp_path):
    """The message names the command that makes one."""
    with pytest.raises(StorageError, match="narrator-ray narrate"):
        open_latest(str(tmp_path))


def test_the_record_is_readable_json(store):
    """run.json repeats the counts and the settings."""
    its_plan = plan(store)
    for item in its_plan.items:
        put_result(store, item)
    summary = publish(store, its_plan)
    record = json.loads(store.storage.read(f"runs/{summary.run_id}/run.json"))
    assert record["num_narrated"] == 3
    assert record["config"]["model"]["preset"] == "tiny-random"
    assert record["model"]["is_trained"] is False
