"""write_manifest: what is written reads back as equal videos, whatever the format."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrator_ray.catalog.manifest import read_manifest
from narrator_ray.catalog.manifest_writer import write_manifest
from narrator_ray.errors import ManifestError, StorageError
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel, Video

BARE = Video("mug", "/videos/mug.mp4", Product("Mug"), "en")
FULL = Video(
    video_id="cup 杯,1",
    uri="s3://bucket/cup.mp4",
    product=Product(
        "Cup, 'the' \"best\"",
        (KnowledgePoint("", "round"), KnowledgePoint("材质", "glass, steel"), KnowledgePoint("材质", "[1]")),
    ),
    language="zh",
    clips=(Clip(0.0, 2.5), Clip(2.5, 7.0), Clip(8.0, 9.0)),
    storyline=((ScriptLabel.SORE_POINT, ScriptLabel.PRODUCT_EFFECT), None, (ScriptLabel.OTHERS,)),
    narrations=("Cold\ntea, again?\u2028Yes.", 'This "cup".', "null"),
    word_ranges=((3, 5), (4, 600), (1, 1)),
    adapter="brand\r\n2",
    extra={"sku": 7, "tags": ["a", None, {"b": 1.5}], "": {}, "dotted.name": True, "text": "\x00\r\n"},
)
FORMATS = (".jsonl", ".ndjson", ".csv", ".parquet")

_TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).map(str.strip).filter(bool)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str) -> None:
    """Every field survives, given or not, in rows of every kind side by side."""
    path = str(tmp_path / f"catalog{suffix}")
    write_manifest([FULL, BARE], path)
    assert read_manifest(path) == (FULL, BARE)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_catalogue_of_bare_rows_is_read_back(tmp_path: Path, suffix: str) -> None:
    """Columns in which no row has a value do not change what other columns mean."""
    path = str(tmp_path / f"catalog{suffix}")
    write_manifest([BARE], path)
    assert read_manifest(path) == (BARE,)


@settings(max_examples=60, deadline=None)
@given(
    name=_TEXTS,
    points=st.lists(_TEXTS, max_size=3),
    told=st.lists(st.tuples(_TEXTS, st.sets(st.sampled_from(ScriptLabel), max_size=2)), min_size=1, max_size=3),
    extra=st.dictionaries(_TEXTS, _JSON, max_size=3),
)
def test_any_text_survives_every_format(tmp_path_factory, name, points, told, extra) -> None:
    """Quotes, brackets, line ends and anything that looks like a number or JSON stay what they are."""
    video = Video(
        "a",
        "/a.mp4",
        Product(name, tuple(KnowledgePoint("c", point) for point in points)),
        "en",
        clips=tuple(Clip(float(index), index + 0.5) for index in range(len(told))),
        storyline=tuple(tuple(labels) or None for _, labels in told),
        narrations=tuple(text for text, _ in told),
        extra=extra,
    )
    folder = tmp_path_factory.mktemp("catalogues")
    for suffix in FORMATS:
        path = str(folder / f"c{suffix}")
        write_manifest([video], path)
        assert read_manifest(path) == (video,), suffix


def test_it_is_written_to_s3(s3_root: str) -> None:
    """A catalogue goes where the videos are."""
    uri = f"{s3_root}/in/catalog.parquet"
    write_manifest([FULL], uri)
    assert read_manifest(uri) == (FULL,)


def test_it_is_written_where_a_path_or_uri_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name is in the current folder; percent escapes of a file URI are resolved, in folder and name."""
    monkeypatch.chdir(tmp_path)
    write_manifest([BARE], "a.csv")
    write_manifest([BARE], f"file://{tmp_path}/b%20c/d%20e.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b c" / "d e.csv").read_bytes()
    with pytest.raises(StorageError, match="absolute path"):
        write_manifest([BARE], "file://host/a.csv")


def test_parquet_is_nested_for_other_tools(tmp_path: Path) -> None:
    """Clips and knowledge are columns that any Arrow reader can query, not JSON text."""
    path = tmp_path / "catalog.parquet"
    write_manifest([FULL], str(path))
    row = pq.read_table(path).to_pylist()[0]
    assert row["clips"][0] == {"start_s": 0.0, "end_s": 2.5}
    assert row["product"]["knowledge"][1] == {"category": "材质", "points": ["glass, steel", "[1]"]}


def test_an_earlier_catalogue_is_replaced_whole(tmp_path: Path) -> None:
    """Writing again leaves the new rows only, and no other file."""
    path = tmp_path / "catalog.jsonl"
    write_manifest([FULL, BARE], str(path))
    write_manifest([BARE], str(path))
    assert read_manifest(str(path)) == (BARE,)
    assert [file.name for file in tmp_path.iterdir()] == ["catalog.jsonl"]


@pytest.mark.parametrize(("name", "videos", "told"), [("c.xlsx", [BARE], ".xlsx"), ("c.csv", [], "no videos")])
def test_what_cannot_be_written_says_why(tmp_path: Path, name: str, videos: list[Video], told: str) -> None:
    """An unknown extension or nothing to write is an error before a file is touched."""
    with pytest.raises(ManifestError, match=told):
        write_manifest(videos, str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    """A file where a folder is needed is told as such."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        write_manifest([BARE], str(tmp_path / "taken" / "c.csv"))
