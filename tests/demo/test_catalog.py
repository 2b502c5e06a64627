"""The storefront's catalogue: the same seed gives the same films, and the truth is what is seen and said."""

import hashlib
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from narrator_ray.catalog.manifest import read_manifest
from narrator_ray.config import ClipSettings
from narrator_ray.demo import write_catalog
from narrator_ray.demo.plan import window_of
from narrator_ray.video.probe import probe_video
from narrator_ray.video.shots import find_clips


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    """Three films."""
    return write_catalog(tmp_path_factory.mktemp("shop"), 3, seed=5)


def truths(catalog: Path) -> list[list[dict]]:
    """The truth about every clip of every film."""
    return [video.extra["truth"]["clips"] for video in read_manifest(str(catalog))]


def digest(path: Path) -> str:
    """What a test compares: the difference of two films, spelt out, would take minutes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_manifest_is_valid_and_half_annotated(catalog):
    """Clips, references and storylines alternate; product data is always there."""
    first, second, third = read_manifest(str(catalog))
    assert first.clips and first.narrations and first.storyline
    assert second.clips is None and second.narrations is None and second.storyline is None
    assert third.clips and third.narrations and third.storyline is None
    assert all(len(video.product.knowledge) >= 7 for video in (first, second, third))


def test_a_seed_decides_everything(catalog, tmp_path):
    """Films and manifest are the same bytes, drawn again elsewhere; another seed is another shop."""
    again = write_catalog(tmp_path / "again", 1, seed=5)
    (film,) = (tmp_path / "again" / "videos").iterdir()
    assert digest(film) == digest(catalog.parent / "videos" / film.name)
    assert again.read_text().splitlines() == catalog.read_text().splitlines()[:1]
    assert write_catalog(tmp_path / "other", 1, seed=6).read_text() != again.read_text()


def test_what_memory_held_before_decides_nothing(catalog, tmp_path):
    """The same bytes from another process whose fresh memory holds other things (with glibc)."""
    code = "import sys; from narrator_ray.demo import write_catalog; write_catalog(sys.argv[1], 1, seed=5)"
    environment = {**os.environ, "MALLOC_PERTURB_": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True, timeout=120)
    (film,) = (tmp_path / "videos").iterdir()
    assert digest(film) == digest(catalog.parent / "videos" / film.name)


def test_what_is_there_is_left_untouched(catalog):
    """Films keep their time stamps, so nothing that was made from them is made again."""
    films = sorted((catalog.parent / "videos").glob("*.mp4"))
    before = [film.stat().st_mtime_ns for film in films]
    films[0].unlink()
    write_catalog(catalog.parent, 3, seed=5)
    after = [film.stat().st_mtime_ns for film in films]
    assert after[1:] == before[1:]
    assert after[0] != before[0]


def test_no_half_film_is_left(tmp_path, monkeypatch):
    """A crash while drawing leaves neither a film nor a manifest."""

    def crash(path, storyboard):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("narrator_ray.demo.catalog.draw_video", crash)
    with pytest.raises(KeyboardInterrupt):
        write_catalog(tmp_path, 1)
    assert not list((tmp_path / "videos").iterdir())
    assert not (tmp_path / "catalog.jsonl").exists()


def test_cuts_are_where_the_truth_says(catalog):
    """The picture changes hard at every cut of the truth and nowhere else nearly as much."""
    video, truth = read_manifest(str(catalog))[0], truths(catalog)[0]
    with av.open(video.uri) as container:
        frames = [frame.to_ndarray(format="gray").astype(np.float32) for frame in container.decode(video=0)]
    changes = [float(np.abs(later - earlier).mean()) for earlier, later in pairwise(frames)]
    cuts = [round(clip["start_s"] * 25) for clip in truth[1:]]
    assert len(frames) == round(truth[-1]["end_s"] * 25)
    assert sorted(np.argsort(changes)[-len(cuts) :] + 1) == cuts


def test_shot_detection_finds_the_cuts(catalog):
    """The content detector at its default threshold splits films where they were cut."""
    for video, truth in zip(read_manifest(str(catalog)), truths(catalog), strict=True):
        info = probe_video(Path(video.uri))
        found = [clip.start_s for clip in find_clips(Path(video.uri), info, ClipSettings())]
        assert found == pytest.approx([clip["start_s"] for clip in truth], abs=0.05)


def test_references_can_be_spoken_in_time(catalog):
    """Every reference lies in its clip's default window."""
    for truth in truths(catalog):
        for clip in truth:
            low, high = window_of(clip["end_s"] - clip["start_s"])
            assert low <= len(clip["narration"].split()) <= high


def test_only_the_asked_split_is_shown(tmp_path):
    """Held-out pairs of form and colour never appear in a training catalogue; a manifest needs no films."""
    for split in ("train", "validation", "test"):
        rows = write_catalog(tmp_path / split, 20, split=split, draw_films=False).read_text().splitlines()
        assert {json.loads(row)["extra"]["truth"]["split"] for row in rows} == {split}
