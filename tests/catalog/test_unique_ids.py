"""Ids that repeat are found without keeping them, and reported in row order."""

import json
from pathlib import Path

import pytest

from narrator_ray.catalog.catalog import Catalog
from narrator_ray.catalog.manifest import open_catalog, read_manifest
from narrator_ray.catalog.unique_ids import SeenIds
from narrator_ray.errors import ManifestError
from tests.catalog.manifest_files import MUG, write_jsonl


def test_rows_that_share_an_id_are_suspects():
    """Both the first and the later ones; nobody else."""
    seen = SeenIds()
    for row, video_id in enumerate(["a", "b", "a", "c", "杯", "a", "杯"], start=1):
        seen.add(row, video_id)
    assert seen.suspects() == {1, 3, 5, 6, 7}
    assert SeenIds().suspects() == frozenset()


def test_problems_stand_in_the_order_of_rows(tmp_path: Path):
    """Repeated ids come between what else is wrong before and after them, and name the first row."""
    rows = [MUG, {**MUG, "video_id": "x", "language": "fr"}, MUG, {**MUG, "video_id": 7, "video": ""}, MUG]
    with pytest.raises(ManifestError) as caught:
        read_manifest(str(write_jsonl(tmp_path / "c.jsonl", rows)))
    assert [(problem.row, problem.field) for problem in caught.value.problems] == [
        (2, "language"),
        (3, "video_id"),
        (4, "video"),
        (5, "video_id"),
    ]
    assert "row 1 already" in caught.value.problems[3].message


def test_a_catalogue_on_disk_holds_what_the_manifest_says(tmp_path: Path):
    """The rows again and again, the languages, the adapters, and a fingerprint that goes by contents and order."""
    rows = [MUG, {**MUG, "video_id": "cup", "product": {"name": "杯"}, "adapter": "brand", "extra": {"a": [1, None]}}]
    path = str(write_jsonl(tmp_path / "c.jsonl", rows))
    catalog = open_catalog(path)
    assert tuple(catalog) == tuple(catalog) == read_manifest(path)
    assert (len(catalog), catalog.languages, catalog.adapters) == (2, {"en", "zh"}, {"brand"})
    other, again = Catalog(), Catalog()
    for video in catalog:
        again.add(video)
    for video in reversed(tuple(catalog)):
        other.add(video)
    assert json.dumps(catalog.fingerprint) == json.dumps(again.fingerprint)
    assert other.fingerprint != catalog.fingerprint
    assert len(open_catalog(path, limit=1)) == 1
