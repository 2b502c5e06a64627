"""Shards of one night: each by itself, published together once all are there, whatever is killed or done twice."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.catalog.shard import Shard
from narrator_ray.config import load_config
from narrator_ray.errors import RejectReason, SchemaError, StorageError, UnreadableVideo
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Product, Video
from narrator_ray.runs.garbage import collect_garbage
from narrator_ray.runs.last_run import LastRun
from narrator_ray.runs.night import complete_shards, publish_newest_night
from narrator_ray.runs.publish import announce_run, approve_all
from narrator_ray.runs.published import open_latest
from narrator_ray.runs.reasons import WorkReason
from narrator_ray.runs.run_folder import SHARDS, complete_runs, latest_run_id, shard_folder, unfinished_runs
from narrator_ray.storage.storage import Storage
from tests.runs.nights import night, plan_of, shard_run

VIDEOS = [Video(f"mug-{n:02}", f"/videos/{n}.mp4", Product(f"Mug {n}"), "en") for n in range(12)]
EMPTY = UnreadableVideo(RejectReason.VIDEO_EMPTY, "no bytes")
FIRST, SECOND, THIRD = Shard(1, 3).siblings


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An empty output."""
    return ResultStore.open(str(tmp_path / "out"))


def ids(store: ResultStore) -> list[str]:
    """Videos of the published table, as often as they have clips, of which each has one."""
    return sorted(open_latest(store.storage.uri).narrations["video_id"].to_pylist())


def rows_of(store: ResultStore, name: str) -> list[dict]:
    """A published table, in an order of its own, without what tells runs apart."""
    run = open_latest(store.storage.uri)
    table = getattr(run, name).to_pylist()
    return sorted(({**row, "first_seen_at": "", "last_seen_at": ""} for row in table), key=lambda row: row["video_id"])


def test_readers_see_the_night_when_its_last_shard_is_there(store, tmp_path):
    """And then what a run of the whole catalogue would have shown them: tables, record, page, the next night's plan."""
    rejected = {"mug-03": EMPTY}
    for shard, missing in ((SECOND, (FIRST, THIRD)), (THIRD, (FIRST,))):
        summary = shard_run(store, shard, VIDEOS, rejected)
        assert (summary.waits_for, summary.is_published, summary.merged) == (missing, False, None)
        assert not store.storage.exists("latest.json") and not complete_runs(store.storage)
    summary = shard_run(store, FIRST, VIDEOS, rejected)
    assert summary.is_published and summary.merged is not None
    assert (summary.merged.num_videos, summary.merged.num_narrated, summary.merged.num_rejected) == (12, 11, 1)

    whole = ResultStore.open(str(tmp_path / "whole"))
    night(whole, VIDEOS, rejected)
    for name in ("narrations", "rejected"):
        assert rows_of(store, name) == rows_of(whole, name)
    records = [json.loads(s.storage.read(f"runs/{latest_run_id(s.storage)}/run.json")) for s in (store, whole)]
    assert len(records[0].pop("shards")) == 3
    of_their_own = ("run_id", "started_at", "finished_at", "graph_s", "cost")
    shown = [{name: value for name, value in record.items() if name not in of_their_own} for record in records]
    assert shown[0] == shown[1]
    lines = store.storage.read(f"runs/{latest_run_id(store.storage)}/narrations.jsonl").splitlines()
    assert sorted(json.loads(line)["video_id"] for line in lines) == ids(store)
    page = store.storage.read(f"runs/{latest_run_id(store.storage)}/report.html").decode()
    assert all(f"Mug {n}" in page for n in range(12) if n != 3) and "no bytes" in page
    assert plan_of(store, VIDEOS).counts == {WorkReason.UNCHANGED: 11, WorkReason.STILL_REJECTED: 1}


def test_the_order_of_rows_does_not_matter(store):
    """The catalogue may be written anew for every shard."""
    for shard, videos in ((FIRST, VIDEOS), (SECOND, VIDEOS[::-1]), (THIRD, VIDEOS[6:] + VIDEOS[:6])):
        last = shard_run(store, shard, videos)
    assert last.is_published
    assert ids(store) == [video.video_id for video in VIDEOS]


def test_what_does_not_belong_together_is_not_put_together(store):
    """Another catalogue, other settings: each waits for shards of its own. Settings of the run itself may differ."""
    changed = [replace(VIDEOS[0], product=Product("another")), *VIDEOS[1:]]
    other = load_config(preset="tiny-random", overrides=["decoding.seed=7"])
    elsewhere = load_config(preset="tiny-random", overrides=["run.narrator_actors=4", "report.max_videos=7"])
    assert shard_run(store, Shard(1, 2), VIDEOS).waits_for == (Shard(2, 2),)
    assert shard_run(store, Shard(2, 2), changed).waits_for == (Shard(1, 2),)
    assert shard_run(store, Shard(2, 2), VIDEOS, config=other).waits_for == (Shard(1, 2),)
    assert shard_run(store, SECOND, VIDEOS).waits_for == (FIRST, THIRD)
    assert not store.storage.exists("latest.json")
    assert shard_run(store, Shard(2, 2), VIDEOS, config=elsewhere).is_published


def test_every_night_waits_for_all_its_shards(store):
    """Shards of the night before do not stand in for those of tonight."""
    for shard in (FIRST, SECOND, THIRD):
        before = shard_run(store, shard, VIDEOS)
    for shard in (THIRD, FIRST):
        assert not shard_run(store, shard, VIDEOS).is_published
        assert latest_run_id(store.storage) == before.merged.run_id
    assert shard_run(store, SECOND, VIDEOS).merged.num_reused == 12
    assert latest_run_id(store.storage) != before.merged.run_id
    assert complete_runs(store.storage) == sorted(complete_runs(store.storage), reverse=True)
    assert len(complete_runs(store.storage)) == 2


def test_a_shard_that_is_run_again_counts_once(store):
    """The newest run of it, with what it knows better; the night before it was complete and after."""
    shards = [next(shard for shard in Shard(1, 2).siblings if shard.holds("mug-03"))]
    shards.append(next(shard for shard in Shard(1, 2).siblings if shard not in shards))
    shard_run(store, shards[0], VIDEOS, {"mug-03": UnreadableVideo(RejectReason.SOURCE_UNAVAILABLE, "503")})
    shard_run(store, shards[0], VIDEOS)
    assert shard_run(store, shards[1], VIDEOS).merged.num_rejected == 0
    assert ids(store) == [video.video_id for video in VIDEOS]
    assert len(complete_shards(store.storage)) == 3


def test_shards_of_one_night_end_at_once(store):
    """All of them at the same time, twice: readers never see half a night, and nothing is there twice."""
    shards = Shard(1, 4).siblings
    for _ in range(2):
        with ThreadPoolExecutor(len(shards)) as threads:
            ended = list(threads.map(lambda shard: shard_run(store, shard, VIDEOS), shards))
        merged = {summary.merged.run_id for summary in ended if summary.merged is not None}
        assert latest_run_id(store.storage) in merged
        assert ids(store) == [video.video_id for video in VIDEOS]
        for run_id in complete_runs(store.storage):
            assert json.loads(store.storage.read(f"runs/{run_id}/run.json"))["num_narrated"] == 12
    assert len(store.known_narrations()) == 12


def test_two_that_find_the_night_complete_write_the_same(store):
    """Files are put together byte for byte alike, under one name."""
    for shard in (FIRST, SECOND, THIRD):
        shard_run(store, shard, VIDEOS)
    run_id = latest_run_id(store.storage)
    files = {key: store.storage.read(key) for key in store.storage.keys(f"runs/{run_id}")}
    store.storage.delete([f"runs/{run_id}/run.json"])
    assert publish_newest_night(store, approve_all).run_id == run_id
    assert {key: store.storage.read(key) for key in store.storage.keys(f"runs/{run_id}")} == files


@pytest.mark.parametrize("deadly", ["rejected.parquet", "config.yaml", "report.html", "run.json", "latest.json"])
def test_a_run_that_dies_while_it_puts_shards_together_is_not_seen(store, monkeypatch, deadly):
    """Readers stay with the night before; whoever comes next publishes the same run."""
    night(store, VIDEOS[:3])
    before = latest_run_id(store.storage)
    for shard in (FIRST, SECOND):
        shard_run(store, shard, VIDEOS)
    write, write_file = Storage.write, Storage.write_file

    def dying(real):
        def call(self: Storage, key: str, data: object) -> None:
            if key.endswith(deadly) and not key.startswith(SHARDS):
                raise StorageError("killed")
            real(self, key, data)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", dying(write))
        patch.setattr(Storage, "write_file", dying(write_file))
        with pytest.raises(StorageError, match="killed"):
            shard_run(store, THIRD, VIDEOS)
    assert latest_run_id(store.storage) == before
    assert ids(store) == [video.video_id for video in VIDEOS[:3]]
    published = publish_newest_night(store, approve_all)
    assert published.is_published and latest_run_id(store.storage) == published.run_id
    assert ids(store) == [video.video_id for video in VIDEOS]
    assert publish_newest_night(store, approve_all).run_id == published.run_id


def test_a_night_that_is_not_complete_cannot_be_published(store):
    """The message says which shards are missing, and what to do."""
    with pytest.raises(StorageError, match=r"no shards here.*--shard"):
        publish_newest_night(store, approve_all)
    shard_run(store, SECOND, VIDEOS)
    with pytest.raises(StorageError, match=r"shard 1/3, 3/3 is not complete"):
        publish_newest_night(store, approve_all)
    assert not store.storage.exists("latest.json")


def test_a_night_that_is_not_approved_is_not_followed(store):
    """What was looked at is the whole night; a shard that is run again asks again."""
    seen = []

    def refuse(run) -> bool:
        seen.append(run.num_videos)
        return False

    for shard in (FIRST, SECOND, THIRD):
        summary = shard_run(store, shard, VIDEOS, approve=refuse)
    assert seen == [12]
    assert not summary.is_published and not summary.merged.is_published
    assert not store.storage.exists("latest.json") and len(complete_runs(store.storage)) == 1
    assert shard_run(store, FIRST, VIDEOS).is_published


def test_shards_may_be_empty(store):
    """More shards than videos."""
    for shard in Shard(1, 8).siblings:
        summary = shard_run(store, shard, VIDEOS[:2])
    assert summary.merged.num_videos == 2
    assert ids(store) == ["mug-00", "mug-01"]


def test_costs_and_seconds_add_up(store):
    """Stages of all shards; a cluster as large as they had on average."""
    for shard in (FIRST, SECOND, THIRD):
        merged = shard_run(store, shard, VIDEOS).merged
    assert [(stage.stage, stage.num_in, stage.seconds) for stage in merged.stages] == [
        ("split_clips", 12, 24.0),
        ("narrate_clips", 12, 12.0),
    ]
    assert merged.graph_s == 30.0
    assert merged.reasons == {"new": 12}


def test_a_damaged_shard_stops_the_publication(store):
    """Nothing is published on the word of half a table."""
    for shard in (FIRST, SECOND):
        shard_run(store, shard, VIDEOS)
    (first, *_) = complete_shards(store.storage)
    store.storage.write(f"{first.folder}/narrations.parquet", b"half")
    with pytest.raises(SchemaError, match="narrations"):
        shard_run(store, THIRD, VIDEOS)
    assert not store.storage.exists("latest.json")


def test_a_shard_compares_with_its_own_videos_of_the_last_run(store):
    """What the others had is not held in memory; tries of a rejected video are counted on."""
    transient = {"mug-03": UnreadableVideo(RejectReason.SOURCE_UNAVAILABLE, "503")}
    for _ in range(2):
        for shard in (FIRST, SECOND, THIRD):
            shard_run(store, shard, VIDEOS, transient)
    (rejected,) = open_latest(store.storage.uri).rejected.to_pylist()
    assert (rejected["video_id"], rejected["attempts"]) == ("mug-03", 2)
    found = [LastRun.open(store.storage, shard) for shard in (FIRST, SECOND, THIRD)]
    for video in VIDEOS:
        assert sum(last.find(video.video_id) is not None for last in found) == 1
    assert sum(last.rejection_of("mug-03") is not None for last in found) == 1


def test_what_waiting_shards_refer_to_is_no_garbage(store):
    """Nor are they themselves, until their night, or one that began later, is published."""
    night(store, VIDEOS[:3])
    store.storage.delete([key for key in store.storage.keys("runs") if key.endswith("started.json")])
    for shard in (FIRST, SECOND):
        shard_run(store, shard, VIDEOS)
    assert collect_garbage(store.storage, 1, 0, is_dry=False).num_objects == 0
    assert len(complete_shards(store.storage)) == 2
    folder = shard_folder("f" * 32, THIRD, "20990101T000000Z-under-way")
    announce_run(store, folder, 3)
    assert [run_id for run_id, _ in unfinished_runs(store.storage)] == ["20990101T000000Z-under-way"]
    with pytest.raises(StorageError, match="under-way"):
        collect_garbage(store.storage, 1, 3600, is_dry=False)
    store.storage.delete([f"{folder}/started.json"])
    shard_run(store, THIRD, VIDEOS)
    num_files = len(list(store.storage.keys(SHARDS)))
    assert collect_garbage(store.storage, 1, 3600, is_dry=False).num_young == num_files
    assert collect_garbage(store.storage, 1, 0, is_dry=False).num_objects == num_files
    assert not complete_shards(store.storage)
    assert ids(store) == [video.video_id for video in VIDEOS]


def test_a_night_on_s3(s3_root):
    """There is no renaming there, and nothing needs it."""
    store = ResultStore.open(f"{s3_root}/out")
    for shard in (FIRST, SECOND, THIRD):
        assert not store.storage.exists("latest.json")
        shard_run(store, shard, VIDEOS, {"mug-05": EMPTY})
    run = open_latest(store.storage.uri)
    assert sorted(run.narrations["video_id"].to_pylist()) == [v.video_id for v in VIDEOS if v.video_id != "mug-05"]
    assert run.rejected["video_id"].to_pylist() == ["mug-05"]
