"""The main job on a local Ray with the tiny random model: good videos narrated, bad ones rejected, nothing twice."""

import json
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from narrator_ray.catalog.shard import Shard
from narrator_ray.config import load_config
from narrator_ray.pipeline import Listeners, extract_features, narrate_catalog
from narrator_ray.runs.published import open_latest
from tests.video_files import write_broken_videos, write_good_videos, write_video

pytestmark = [pytest.mark.ray, pytest.mark.slow]

KNOWLEDGE = {"effect": ["keeps tea warm for 6 hours"], "price": ["9 dollars"]}
CHINESE = {"product": {"name": "保温杯", "knowledge": {"功效": ["长效保温"]}}, "language": "zh"}


def product_row(video_id: str, video: Path, **more: object) -> dict:
    """A manifest row."""
    return {
        "video_id": video_id,
        "video": str(video),
        "product": {"name": "Sunny mug", "knowledge": KNOWLEDGE},
        "language": "en",
        **more,
    }


def tiny_config(*overrides: str):
    """Settings that narrate in seconds."""
    return load_config(preset="tiny-random", overrides=overrides)


@pytest.fixture(scope="module")
def odd_catalog(tmp_path_factory):
    """Every kind of good and broken file in one catalogue."""
    directory = tmp_path_factory.mktemp("odd")
    (directory / "good").mkdir()
    (directory / "broken").mkdir()
    good = write_good_videos(directory / "good")
    broken = write_broken_videos(directory / "broken")
    rows = [product_row(f"good-{name}", path) for name, path in good.items()]
    rows += [product_row(f"bad-{name}", path) for name, (path, _) in broken.items()]
    manifest = directory / "catalog.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return manifest, good, broken


@pytest.fixture(scope="module")
def odd_run(odd_catalog, local_ray, tmp_path_factory):
    """One run over the odd catalogue."""
    out = tmp_path_factory.mktemp("out")
    return narrate_catalog(str(odd_catalog[0]), str(out), tiny_config("run.max_rejected_fraction=0.9")), out


def test_every_good_video_is_narrated(odd_catalog, odd_run):
    """mp4, webm, mov, AV1, rotated, one frame, four minutes: each has all its clips, every one in its window."""
    run = open_latest(str(odd_run[1]))
    for name in odd_catalog[1]:
        rows = run.narrations_of(f"good-{name}").to_pylist()
        assert [row["clip_index"] for row in rows] == list(range(rows[0]["num_clips"]))
        assert rows[0]["start_s"] == 0.0
        assert all(later["start_s"] == earlier["end_s"] for earlier, later in pairwise(rows))
        assert all(row["is_in_window"] for row in rows)
        assert all(row["narration"][-1] in ".!?" for row in rows)


def test_every_broken_video_is_rejected_with_its_reason(odd_catalog, odd_run):
    """At least ten kinds of broken file, each with stage, reason and detail."""
    rejected = {row["video_id"]: row for row in open_latest(str(odd_run[1])).rejected.to_pylist()}
    assert len(rejected) >= 10
    assert {name: rejected[f"bad-{name}"]["reason"] for name in odd_catalog[2]} == {
        name: str(reason) for name, (_, reason) in odd_catalog[2].items()
    }
    assert all(row["detail"] and row["stage"] for row in rejected.values())


def test_what_came_in_is_done_or_rejected(odd_catalog, odd_run):
    """The run's record adds up, stage by stage."""
    summary = odd_run[0]
    assert summary.num_videos == len(odd_catalog[1]) + len(odd_catalog[2])
    assert summary.num_narrated + summary.num_rejected == summary.num_videos
    assert all(stage.num_in == stage.num_out + stage.num_rejected for stage in summary.stages)
    assert summary.stages[-1].num_out == summary.num_narrated == len(odd_catalog[1])


def test_a_video_decord_cannot_read_says_so(odd_run):
    """AV1 goes to PyAV, and the result tells."""
    rows = open_latest(str(odd_run[1])).narrations_of("good-av1").to_pylist()
    assert {row["decoder"] for row in rows} == {"pyav"}
    assert "decord" in rows[0]["notes"][0]


def test_too_many_rejections_are_reported(odd_run):
    """More broken files than good ones is above one half, and below nine tenths."""
    summary = odd_run[0]
    assert not summary.has_too_many_rejected
    assert summary.num_rejected > 0.5 * summary.num_videos


def test_a_run_leaves_what_it_promises(odd_run):
    """Tables, settings, record and report lie in the run's directory, and latest.json names it."""
    summary, out = odd_run
    run = Path(out) / "runs" / summary.run_id
    names = {"config.yaml", "run.json", "narrations.parquet", "narrations.jsonl", "rejected.parquet", "report.html"}
    names |= {"videos.parquet", "started.json"}
    assert {path.name for path in run.iterdir()} == names
    assert json.loads((Path(out) / "latest.json").read_text())["run_id"] == summary.run_id
    record = json.loads((run / "run.json").read_text())
    assert record["config"]["model"]["preset"] == "tiny-random"
    assert record["stages"][-1]["out"] == summary.num_narrated
    lines = (run / "narrations.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == pq.read_table(run / "narrations.parquet").num_rows == summary.num_clips


def test_the_same_run_again_starts_nothing(odd_catalog, odd_run, monkeypatch):
    """No decoding, no encoding, no generation; only what was rejected is tried once more."""
    good_only = [json.loads(line) for line in odd_catalog[0].read_text().splitlines() if '"good-' in line]
    manifest = odd_catalog[0].with_name("good.jsonl")
    manifest.write_text("".join(json.dumps(row) + "\n" for row in good_only))
    monkeypatch.setattr("narrator_ray.stages.execute.execute_graph", None)
    summary = narrate_catalog(str(manifest), str(odd_run[1]), tiny_config())
    assert (summary.num_reused, summary.num_narrated, summary.stages) == (len(good_only), len(good_only), ())


def test_new_product_text_narrates_anew_without_decoding(local_ray, tmp_path, write_manifest):
    """Editing one product re-narrates that product only and never re-runs vision."""
    rows = [product_row(name, write_video(tmp_path / f"{name}.mp4")) for name in ("first", "second")]
    rows[1]["product"] = {"name": "Teapot", "knowledge": ["holds 2 cups"]}
    out = str(tmp_path / "out")
    narrate_catalog(write_manifest(rows), out, tiny_config())
    before = {row["video_id"]: row["key"] for row in open_latest(out).narrations.to_pylist()}
    rows[0]["product"] = {"name": "Rainy mug", "knowledge": ["holds 300 ml"]}
    summary = narrate_catalog(write_manifest(rows), out, tiny_config())
    after = {row["video_id"]: row["key"] for row in open_latest(out).narrations.to_pylist()}
    assert [stage.stage for stage in summary.stages] == ["prepare_context", "narrate_clips"]
    assert (summary.num_reused, summary.num_features_reused) == (1, 1)
    assert before[rows[0]["video_id"]] != after[rows[0]["video_id"]]
    assert before[rows[1]["video_id"]] == after[rows[1]["video_id"]]


def test_rows_that_differ_only_in_their_id_are_narrated_once(local_ray, tmp_path, write_manifest):
    """Two listings of one product and one video share the work and both appear."""
    video = write_video(tmp_path / "video.mp4")
    plans = []
    listeners = Listeners(on_plan=plans.append)
    out = str(tmp_path / "out")
    manifest = write_manifest([product_row("a", video), product_row("b", video)])
    summary = narrate_catalog(manifest, out, tiny_config(), listeners=listeners)
    assert [item.video.video_id for item in plans[0].to_do] == ["a"]
    texts = {video_id: open_latest(out).narrations_of(video_id)["narration"].to_pylist() for video_id in ("a", "b")}
    assert texts["a"] == texts["b"]
    assert summary.num_narrated == 2


def test_given_clips_labels_and_windows_are_kept(local_ray, tmp_path, write_manifest):
    """What the catalogue fixes is not chosen again, in English and in Chinese."""
    video = write_video(tmp_path / "video.mp4")
    fixed = {
        "clips": [{"start_s": 0, "end_s": 1.5}, {"start_s": 1.5, "end_s": 3.0}],
        "storyline": ["sore point", None],
        "word_ranges": [[4, 4], [7, 9]],
    }
    rows = [product_row("en", video, **fixed), {**product_row("zh", video, **fixed), **CHINESE}]
    out = str(tmp_path / "out")
    narrate_catalog(write_manifest(rows), out, tiny_config())
    for video_id in ("en", "zh"):
        first, second = open_latest(out).narrations_of(video_id).to_pylist()
        assert (first["script_labels"], first["label_source"]) == (["sore_point"], "predefined")
        assert second["label_source"] == "generated"
        assert (first["start_s"], first["end_s"], second["end_s"]) == (0.0, 1.5, 3.0)
        assert first["num_words"] == 4
        assert 7 <= second["num_words"] <= 9


def test_shards_are_published_together(local_ray, tmp_path, write_manifest):
    """Two shards into one output: nothing is published before the second; then a run finds all of it done."""
    video, names = write_video(tmp_path / "video.mp4"), ("mug", "cup", "杯")
    manifest = write_manifest([{**product_row(name, video), "product": {"name": f"A {name}"}} for name in names])
    out = str(tmp_path / "out")
    first = narrate_catalog(manifest, out, tiny_config(), shard=Shard(1, 2))
    assert (first.num_narrated, first.waits_for) == (1, (Shard(2, 2),))
    assert not (tmp_path / "out" / "latest.json").exists()
    last = narrate_catalog(manifest, out, tiny_config(), shard=Shard(2, 2))
    assert (last.num_narrated, last.merged.num_narrated, last.is_published) == (2, 3, True)
    assert set(open_latest(out).narrations["video_id"].to_pylist()) == set(names)
    assert {stage.stage: stage.num_in for stage in last.merged.stages}["narrate_clips"] == 3
    assert narrate_catalog(manifest, out, tiny_config()).num_reused == 3


def test_features_made_ahead_are_found(local_ray, tmp_path, write_manifest):
    """Extraction publishes nothing and rejects as a run does; narration then needs the language side only."""
    (tmp_path / "empty.mp4").touch()
    rows = [product_row("mug", write_video(tmp_path / "mug.mp4")), product_row("empty", tmp_path / "empty.mp4")]
    manifest, out = write_manifest(rows), tmp_path / "out"
    plans, snapshots = [], []
    listeners = Listeners(on_plan=plans.append, on_progress=snapshots.append)
    made = extract_features(manifest, str(out), tiny_config("run.max_rejected_fraction=1"), listeners=listeners)
    assert (made.num_videos, made.num_extracted, made.num_reused, made.num_rejected) == (2, 1, 0, 1)
    assert [stage.stage for stage in made.stages] == ["split_clips", "sample_frames", "encode_features"]
    assert [(one.video_id, one.reason) for one in made.rejections] == [("empty", "video_empty")]
    assert (plans[0].num_to_do, snapshots[-1].num_finished) == (2, 2)
    assert not (out / "latest.json").exists() and not list((out / "narrations").rglob("*.json"))
    assert not list((out / "runs").rglob("started.json"))

    told = narrate_catalog(write_manifest(rows[:1]), str(out), tiny_config())
    assert [stage.stage for stage in told.stages] == ["prepare_context", "narrate_clips"]
    assert (told.num_features_reused, told.num_narrated) == (1, 1)
