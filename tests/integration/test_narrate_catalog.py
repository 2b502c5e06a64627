"""The main job on a local Ray with the tiny random model: good videos narrated, bad ones rejected, nothing twice."""

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

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


FIXED = {
    "clips": [{"start_s": 0, "end_s": 1.5}, {"start_s": 1.5, "end_s": 3.0}],
    "storyline": ["sore point", None],
    "word_ranges": [[4, 4], [7, 9]],
}
"""What a catalogue may decide itself."""


@pytest.fixture(scope="module")
def days(local_ray, tmp_path_factory) -> SimpleNamespace:
    """Features made ahead, then a night in two shards, then a whole one after the text of a product was edited."""
    folder = tmp_path_factory.mktemp("days")
    film = write_video(folder / "film.mp4")
    (folder / "empty.mp4").touch()
    rows = [
        product_row("mug", write_video(folder / "mug.mp4")),
        product_row("twin-a", film),
        product_row("twin-b", film),
    ]
    rows += [product_row("en", film, **FIXED), {**product_row("zh", film, **FIXED), **CHINESE}]
    out, seen = folder / "out", SimpleNamespace(out=folder / "out", snapshots=[], plans=[])
    listeners = Listeners(on_plan=seen.plans.append, on_progress=seen.snapshots.append)

    def manifest() -> str:
        path = folder / "catalog.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    rows.append(product_row("empty", folder / "empty.mp4"))
    seen.made = extract_features(manifest(), str(out), tiny_config("run.max_rejected_fraction=1"), listeners=listeners)
    seen.extracted = seen.snapshots[-1]
    seen.published = [*out.rglob("latest.json"), *out.rglob("started.json"), *(out / "narrations").rglob("*.json")]
    rows.pop()
    seen.shards = [narrate_catalog(manifest(), str(out), tiny_config(), shard=Shard(1, 2))]
    seen.published += out.rglob("latest.json")
    seen.shards.append(narrate_catalog(manifest(), str(out), tiny_config(), listeners=listeners, shard=Shard(2, 2)))
    seen.before = open_latest(str(out))
    rows[0]["product"] = {"name": "Rainy mug", "knowledge": ["holds 300 ml"]}
    seen.second = narrate_catalog(manifest(), str(out), tiny_config())
    seen.after = open_latest(str(out))
    return seen


def test_features_made_ahead_are_found(days):
    """Extraction publishes nothing and rejects as a run does; narration then needs the language side only."""
    made = days.made
    assert (made.num_videos, made.num_extracted, made.num_reused, made.num_rejected) == (6, 5, 0, 1)
    assert [stage.stage for stage in made.stages] == ["split_clips", "sample_frames", "encode_features"]
    assert [(one.video_id, one.reason) for one in made.rejections] == [("empty", "video_empty")]
    assert (days.plans[0].num_to_do, days.extracted.num_finished) == (4, 4)  # twins are one, and so are languages
    assert not days.published
    for shard in days.shards:
        assert [stage.stage for stage in shard.stages] == ["prepare_context", "narrate_clips"]
    assert [shard.num_features_reused for shard in days.shards] == [2, 2]


def test_shards_make_one_run(days):
    """Nothing is published before the last of them; a whole run later finds their results to be its own."""
    first, last = days.shards
    assert (first.num_narrated, first.waits_for) == (2, (Shard(2, 2),))
    assert (last.num_narrated, last.merged.num_narrated, last.is_published) == (3, 5, True)
    assert days.before.run_id == last.merged.run_id
    assert set(days.before.narrations["video_id"].to_pylist()) == {"mug", "twin-a", "twin-b", "en", "zh"}


def test_new_product_text_narrates_anew_without_decoding(days):
    """Editing one product re-narrates that product only and never re-runs vision."""
    before, after = (
        {row["video_id"]: row["key"] for row in run.narrations.to_pylist()} for run in (days.before, days.after)
    )
    assert [stage.stage for stage in days.second.stages] == ["prepare_context", "narrate_clips"]
    assert (days.second.num_reused, days.second.num_features_reused) == (4, 1)
    assert {video_id for video_id in before if before[video_id] != after[video_id]} == {"mug"}


def test_rows_that_differ_only_in_their_id_are_narrated_once(days):
    """Two listings of one product and one video share the work and both appear."""
    assert [item.video.video_id for item in days.plans[0].to_do] == ["mug", "twin-a", "en", "empty"]
    assert [item.video.video_id for item in days.plans[1].to_do] == ["mug", "zh"]  # the first shard had a twin's text
    texts = {name: days.before.narrations_of(name)["narration"].to_pylist() for name in ("twin-a", "twin-b")}
    assert texts["twin-a"] and texts["twin-a"] == texts["twin-b"]


@pytest.mark.parametrize("video_id", ["en", "zh"])
def test_given_clips_labels_and_windows_are_kept(days, video_id):
    """What the catalogue fixes is not chosen again, in English and in Chinese."""
    first, second = days.before.narrations_of(video_id).to_pylist()
    assert (first["script_labels"], first["label_source"]) == (["sore_point"], "predefined")
    assert second["label_source"] == "generated"
    assert (first["start_s"], first["end_s"], second["end_s"]) == (0.0, 1.5, 3.0)
    assert first["num_words"] == 4
    assert 7 <= second["num_words"] <= 9
