"""Shards of a catalogue: every video in exactly one, whatever the order of rows and whoever asks."""

import numpy as np
import pytest

from narrator_ray.catalog.manifest import open_catalog, read_manifest
from narrator_ray.catalog.shard import WHOLE, Shard, shard_of
from narrator_ray.catalog.short_hash import short_hash
from narrator_ray.errors import ConfigError, ManifestError

ROWS = [{"video_id": f"mug-{n}", "video": f"{n}.mp4", "product": {"name": f"Mug {n}"}} for n in range(40)]


@pytest.mark.parametrize(
    "text", ["4/3", "0/3", "0/0", "a/b", "1", "1/", "/2", "-1/2", "1/2/3", " 1/2", "", "²/3", "1.0/2"]
)
def test_a_shard_that_cannot_be_is_refused(text):
    """The message shows what was given and what is expected."""
    with pytest.raises(ConfigError, match=r"expected I/N|no such shard") as caught:
        Shard.parse(text)
    assert repr(text) in str(caught.value)


def test_a_shard_is_written_as_it_is_read():
    """Without one all videos are meant."""
    assert str(Shard.parse("2/4")) == "2/4"
    assert shard_of("2/4") == Shard(2, 4)
    assert shard_of(None) == shard_of("1/1") == WHOLE
    assert Shard(2, 3).siblings == (Shard(1, 3), Shard(2, 3), Shard(3, 3))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
def test_every_video_is_in_one_shard(count):
    """One by one and many at once; none is much larger than the others."""
    ids = [f"video-{n} 杯" for n in range(5000)]
    held = np.array([[shard.holds(video_id) for video_id in ids] for shard in Shard(1, count).siblings])
    assert (held.sum(axis=0) == 1).all()
    assert held.sum(axis=1).max() < 1.4 * len(ids) / count
    hashes = np.array([short_hash(video_id) for video_id in ids], np.uint64)
    assert (held == [shard.holds_hashes(hashes) for shard in Shard(1, count).siblings]).all()


@pytest.mark.parametrize(("video_id", "index"), [("mug", 2), ("cup", 2), ("杯", 3), ("pot", 2)])
def test_shards_are_the_same_in_every_version(video_id, index):
    """The machines of one night must agree: where a video belongs is written down here."""
    assert [shard.index for shard in Shard(1, 4).siblings if shard.holds(video_id)] == [index]


def test_a_catalogue_has_the_rows_of_its_shard(write_manifest):
    """In the order of the manifest; together all of them; their fingerprint is that of the whole in any order."""
    path, reordered = write_manifest(ROWS), write_manifest(ROWS[::-1], "reordered.jsonl")
    shards = [open_catalog(path, shard=shard) for shard in Shard(1, 3).siblings]
    again = [open_catalog(reordered, shard=shard) for shard in Shard(1, 3).siblings]
    whole = read_manifest(path)
    assert sorted(video.video_id for shard in shards for video in shard) == sorted(video.video_id for video in whole)
    assert [list(shard) for shard in shards] == [list(shard)[::-1] for shard in again]
    assert list(shards[0]) == [video for video in whole if Shard(1, 3).holds(video.video_id)]
    assert all(0 < len(shard) < len(whole) == shard.num_added for shard in shards)
    assert {shard.unordered_fingerprint for shard in shards + again} == {open_catalog(path).unordered_fingerprint}
    assert {shard.fingerprint for shard in shards}.isdisjoint(shard.fingerprint for shard in again)
    assert open_catalog(path, limit=39).unordered_fingerprint != shards[0].unordered_fingerprint


def test_every_shard_of_a_bad_catalogue_says_the_same(write_manifest):
    """A problem of a row that another shard has stops this one, too."""
    path = write_manifest([*ROWS, {"video_id": "bad"}])
    problems = set()
    for shard in Shard(1, 3).siblings:
        with pytest.raises(ManifestError) as caught:
            open_catalog(path, shard=shard)
        problems.add(str(caught.value))
    assert len(problems) == 1
