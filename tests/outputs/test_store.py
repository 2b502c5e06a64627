"""ResultStore: features and narrations by key, read back equal, damaged ones named."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Clip, KnowledgePoint, NarratedVideo, Narration, Product, ScriptLabel
from narrator_ray.schema import VideoFeatures

KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"
ENCODER = "nano/siglip:v1"
NARRATED = NarratedVideo(
    video_id="mug",
    key=KEY,
    features_key=OTHER_KEY,
    uri="/videos/mug.mp4",
    product=Product('保温杯 "Mug"', (KnowledgePoint("材质", "304 不锈钢"),)),
    language="zh",
    narrations=(
        Narration(0, Clip(0.0, 2.5), (ScriptLabel.SORE_POINT,), "generated", "茶又凉了。", 4, 3, 6, 2, (0.5, 1.5)),
    ),
    decoder="decord",
    duration_s=2.5,
    model="nano",
    notes=("one",),
)
FEATURES = VideoFeatures(
    clips=(Clip(0.0, 2.5),),
    clip_index_T=np.zeros(2, np.int32),
    time_s_T=np.array([0.5, 1.5]),
    tokens_TQD=np.arange(24, dtype=np.float16).reshape(2, 3, 4),
    thumbnails_jpeg=(b"a", b"bc"),
    duration_s=2.5,
    fps=1.0,
    decoder="decord",
    encoder_fingerprint=ENCODER,
    source_version="v1",
)


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ResultStore:
    """An empty store of each kind."""
    return ResultStore.open(str(tmp_path) if request.param == "local" else request.getfixturevalue("s3_root"))


def test_narrations_are_read_back_equal(store: ResultStore) -> None:
    """What was stored is read, by a pickled copy of the store too."""
    assert not store.has_narration(KEY)
    assert store.put_narration(NARRATED)
    assert store.has_narration(KEY)
    assert pickle.loads(pickle.dumps(store)).get_narration(KEY) == NARRATED


def test_features_are_read_back_equal(store: ResultStore) -> None:
    """What was stored is read, to the last bit."""
    assert not store.has_features(ENCODER, KEY)
    assert store.put_features(KEY, FEATURES)
    assert store.has_features(ENCODER, KEY)
    read = store.get_features(ENCODER, KEY)
    assert np.array_equal(read.tokens_TQD, FEATURES.tokens_TQD)
    assert np.array_equal(read.time_s_T, FEATURES.time_s_T)
    assert (read.clips, read.thumbnails_jpeg, read.source_version) == (FEATURES.clips, FEATURES.thumbnails_jpeg, "v1")


def test_the_first_result_stays(store: ResultStore) -> None:
    """A second result of the same key is dropped: both are made of the same, and readers see one."""
    store.put_narration(NARRATED)
    assert not store.put_narration(replace(NARRATED, video_id="cup"))
    assert store.get_narration(KEY).video_id == "mug"
    store.put_features(KEY, FEATURES)
    assert not store.put_features(KEY, replace(FEATURES, decoder="pyav"))


def test_what_is_known_is_found_by_listing(store: ResultStore) -> None:
    """All keys of a kind are listed, features by encoder, and nothing that lies beside them."""
    assert list(store.known_narrations()) == list(store.known_features(ENCODER)) == []
    for key in (KEY, OTHER_KEY):
        store.put_narration(replace(NARRATED, key=key))
    store.put_features(KEY, FEATURES)
    store.put_features(OTHER_KEY, replace(FEATURES, encoder_fingerprint="other"))
    store.storage.write("narrations/01/README.txt", b"")
    store.storage.write("runs/1/run.json", b"{}")
    assert set(store.known_narrations()) == {KEY, OTHER_KEY}
    assert set(store.known_features(ENCODER)) == {KEY}
    assert set(store.known_features("other")) == {OTHER_KEY}


def test_objects_lie_where_other_tools_look(tmp_path: Path) -> None:
    """Narrations are plain UTF-8 JSON and features plain Arrow files, under names that any file system takes."""
    store = ResultStore.open(str(tmp_path))
    store.put_narration(NARRATED)
    store.put_features(KEY, FEATURES)
    narration = (tmp_path / "narrations" / "01" / f"{KEY}.json").read_bytes().decode()
    assert "茶又凉了。" in narration
    assert json.loads(narration)["format"] == "narrator-ray.narration/1"
    table = pa.ipc.open_file(tmp_path / "features" / "nano-siglip-v1" / "01" / f"{KEY}.arrow").read_all()
    assert table.column("time_s").to_pylist() == [0.5, 1.5]


def test_missing_results_are_named(store: ResultStore) -> None:
    """Reading what is not there says what was looked for."""
    with pytest.raises(StorageError, match=f"{KEY}.json: cannot read: not found"):
        store.get_narration(KEY)
    with pytest.raises(StorageError, match=f"{KEY}.arrow: cannot read: not found"):
        store.get_features(ENCODER, KEY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"format": "narrator-ray.narration/1"',
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        json.dumps({"format": "narrator-ray.narration/9", **NARRATED.to_json()}).encode(),
        json.dumps({"format": "narrator-ray.narration/1", **NARRATED.to_json(), "key": OTHER_KEY}).encode(),
        json.dumps({"format": "narrator-ray.narration/1", **NARRATED.to_json(), "narrations": [{}]}).encode(),
        json.dumps({"format": "narrator-ray.narration/1", **NARRATED.to_json(), "product": 7}).encode(),
    ],
)
def test_damaged_narrations(store: ResultStore, data: bytes) -> None:
    """An object that is not this key's narration is named, with what to do."""
    path = store.narration_path(KEY)
    store.storage.write(path, data)
    with pytest.raises(SchemaError) as caught:
        store.get_narration(KEY)
    assert str(caught.value).startswith(f"{store.storage.path_of(path)}: damaged (")
    assert str(caught.value).endswith("): delete it, and the next run makes it anew")


@pytest.mark.parametrize("cut", [0, 1, 8, 100, -1])
def test_damaged_features(store: ResultStore, cut: int) -> None:
    """A part of a feature object is no feature object, and is named."""
    path = store.features_path(ENCODER, KEY)
    store.storage.write(path, FEATURES.to_arrow()[:cut])
    with pytest.raises(SchemaError, match=f"{KEY}.arrow: damaged .* delete it"):
        store.get_features(ENCODER, KEY)


def test_flipped_bits_do_not_crash_the_reader(store: ResultStore) -> None:
    """Whatever byte of a feature object is wrong, it is read or named; no reader dies of it."""
    data = FEATURES.to_arrow()
    path = store.features_path(ENCODER, KEY)
    named = 0
    for place in range(0, len(data), 7):
        store.storage.write(path, data[:place] + bytes([data[place] ^ 0x80]) + data[place + 1 :])
        try:
            store.get_features(ENCODER, KEY)
        except SchemaError:
            named += 1
    assert named > 50


def test_folders_of_encoders() -> None:
    """Whatever a fingerprint looks like, its folder is one plain name."""
    store = ResultStore.open("/out")
    assert store.features_path("../a b/ü:1", KEY) == f"features/-a-b-1/01/{KEY}.arrow"
    assert store.features_path("", KEY) == f"features/-/01/{KEY}.arrow"
    assert len(store.features_path("f" * 500, KEY)) < 200
