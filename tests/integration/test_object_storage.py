"""Catalogue, videos and output on S3, behind a proxy that breaks one request in five: the results are the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from narrator_ray.config import Config, load_config
from narrator_ray.errors import StorageError
from narrator_ray.pipeline import narrate_catalog
from narrator_ray.runs.published import open_latest
from narrator_ray.storage.storage import Storage
from tests.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.slow]

NUM_VIDEOS = 12
STALL_S = 10.0
SHARES = {
    Fault.SLOW_DOWN: 0.06,
    Fault.RESET: 0.03,
    Fault.LOST_ANSWER: 0.03,
    Fault.STALL: 0.025,
    Fault.STALL_INSIDE: 0.025,
    Fault.CUT_ANSWER: 0.03,
    Fault.CUT_REQUEST: 0.03,
}
NOT_OF_THE_PLACE = ("video", "key", "features_key")
"""Columns that differ because the same video lies elsewhere; all others must not."""


def settings_behind(proxy: FaultyProxy, *overrides: str) -> Config:
    """Settings that name the proxy, which the environment does not: they have to reach every worker."""
    patience = ("max_attempts=12", "longest_wait_s=0.2", "read_timeout_s=2")
    storage = [f"storage.{setting}" for setting in (f"endpoint_url={proxy.url}", *patience)]
    return load_config(preset="tiny-random", overrides=["run.videos_per_task=1", *storage, *overrides])


def rows_for(videos: dict[str, str]) -> list[dict]:
    """A manifest row for every video, each with a product of its own."""
    return [
        {"video_id": name, "video": video, "product": {"name": f"Mug {name}", "knowledge": ["steel"]}, "language": "en"}
        for name, video in videos.items()
    ]


def told(out: str, config: Config | None = None) -> list[dict]:
    """The published narrations, in order, without what depends on the place."""
    table = open_latest(out) if config is None else open_latest(out, config.storage)
    rows = table.narrations.drop_columns(list(NOT_OF_THE_PLACE)).to_pylist()
    return sorted(rows, key=lambda row: (row["video_id"], row["clip_index"]))


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, Path]:
    """A dozen short videos."""
    folder = tmp_path_factory.mktemp("films")
    return {
        f"v{number:02}": write_video(folder / f"v{number:02}.mp4", scene_s=1.5 + number / 10)
        for number in range(NUM_VIDEOS)
    }


@pytest.fixture
def uploaded(films: dict[str, Path], s3_root: str) -> Iterator[str]:
    """URI of a catalogue on S3, with its videos beside it; afterwards the environment knows no endpoint."""
    storage = Storage.open(s3_root)
    for name, path in films.items():
        storage.write_file(f"films/{name}.mp4", path)
    rows = rows_for({name: f"films/{name}.mp4" for name in films})
    storage.write("catalog.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL")
        yield f"{s3_root}/catalog.jsonl"


def test_a_run_over_broken_connections_tells_the_same(local_ray, films, uploaded, s3_server, s3_root, tmp_path):
    """Every video is fetched once and narrated once; the second run asks for none of them."""
    local = tmp_path / "catalog.jsonl"
    local.write_text("".join(json.dumps(row) + "\n" for row in rows_for({name: str(films[name]) for name in films})))
    narrate_catalog(str(local), str(tmp_path / "out"), load_config(preset="tiny-random"))
    with faulty_proxy(s3_server, SHARES, stall_s=STALL_S) as proxy:
        config, out = settings_behind(proxy), f"{s3_root}/out"
        summary = narrate_catalog(uploaded, out, config)
        assert (summary.num_narrated, summary.num_rejected) == (NUM_VIDEOS, 0)
        fetched = Counter(seen.key.rpartition("/")[2] for seen in proxy.seen if is_video(seen) and not seen.fault)
        assert fetched == {f"{name}.mp4": 1 for name in films}
        num_faults = Counter(seen.fault for seen in proxy.seen if seen.fault)
        assert len(num_faults) > len(SHARES) // 2
        assert num_faults.total() > 0.1 * len(proxy.seen)
        listings = [seen.query["prefix"][0] for seen in proxy.seen if "list-type" in seen.query]
        prefix = s3_root.split("/", 3)[3]
        assert {listing.removeprefix(f"{prefix}/out/").partition("/")[0] for listing in listings} == {
            "features",
            "narrations",
        }
        assert {seen.key.rpartition("/")[2] for seen in proxy.seen if seen.method == "DELETE"} == {".tmp-writable"}
        assert told(out, config) == told(str(tmp_path / "out"))
        storage = Storage.open(out, config.storage)
        assert len(list(storage.keys("narrations"))) == len(list(storage.keys("features"))) == NUM_VIDEOS

        proxy.forget()
        assert narrate_catalog(uploaded, out, config).num_reused == NUM_VIDEOS
        assert not [seen for seen in proxy.seen if is_video(seen)]


def is_video(seen) -> bool:
    """Whether a request asked for a video's bytes."""
    return seen.method == "GET" and seen.key.endswith(".mp4")


def test_an_output_that_takes_nothing_stops_the_run(local_ray, uploaded, s3_server, s3_root):
    """The error says where and what; the next run goes on from what was stored, without fetching it again."""
    with faulty_proxy(s3_server) as proxy:
        config, out = settings_behind(proxy, "storage.max_attempts=2"), f"{s3_root}/out"
        proxy.order(Fault.SLOW_DOWN, "PUT", "/narrations/", times=1000)
        with pytest.raises(
            StorageError, match=r"/narrations/.*: cannot write: SlowDown: .*; given up after 2 attempts"
        ):
            narrate_catalog(uploaded, out, config, limit=4)
        proxy.forget()
        summary = narrate_catalog(uploaded, out, config, limit=4)
        assert (summary.num_narrated, summary.num_rejected) == (4, 0)
        num_fetched = len([seen for seen in proxy.seen if is_video(seen)])
        assert num_fetched <= 4 - summary.num_features_reused  # fewer where the first run stored some as it was ending
