"""Samples come back from storage as they were made, each when it is asked for."""

import numpy as np
import pytest

from narrator_ray.config import Config, ModelSettings
from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.runs.work import Fingerprints, WorkItem
from narrator_ray.storage.storage import Storage
from narrator_ray.training.examples import Sample, sample_of
from narrator_ray.training.packing import pack
from narrator_ray.training.samples import SampleStore, StoredSamples, samples_key
from tests.training.videos import make_example, make_video

PRINTS = Fingerprints("encoder", "narrator", "3")


def assert_equal(found: Sample, expected: Sample) -> None:
    """Token by token, picture by picture."""
    for field in ("input_ids", "labels", "positions", "branches"):
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
        assert getattr(found, field).dtype == np.int64
    assert len(found.contexts) == len(expected.contexts)
    for one, other in zip(found.contexts, expected.contexts, strict=True):
        np.testing.assert_array_equal(one.tokens_ND, other.tokens_ND)
        assert one.position == other.position


@pytest.fixture
def store(tmp_path) -> SampleStore:
    """An empty one."""
    return SampleStore(Storage.open(str(tmp_path)))


def test_samples_come_back_unchanged(narrator, store):
    """Packed and one by one; with positions and without."""
    example = make_example(narrator.tokenizer, make_video(1))
    nowhere = make_example(narrator.tokenizer, make_video(1), ModelSettings(use_position=False))
    samples = [pack(example), *(sample_of(example, index) for index in range(3)), pack(nowhere)]
    store.put("ab01", samples)
    assert "ab" * 16 not in store.known()
    store.put("ab" * 16, samples[:1])
    assert "ab" * 16 in store.known()
    assert store.has("ab01") and not store.has("ab02")
    assert store.lengths(["ab01"]) == [[len(sample.input_ids) for sample in samples]]
    for found, expected in zip(store.get("ab01"), samples, strict=True):
        assert_equal(found, expected)


def test_samples_of_many_videos_are_one_sequence(narrator, store):
    """In the order of their places, whichever video each lies in."""
    for number in range(3):
        example = make_example(narrator.tokenizer, make_video(number))
        store.put(f"{number}0", [sample_of(example, index) for index in range(3)])
    samples = StoredSamples(store, [("20", 1), ("00", 2), ("20", 0)])
    assert len(samples) == 3
    assert_equal(samples[1], store.get("00")[2])
    assert_equal(samples[0:3][2], store.get("20")[0])


def test_missing_and_damaged_samples_are_said(narrator, store):
    """With the file's name and what to do."""
    with pytest.raises(StorageError, match="not found"):
        store.get("ab02")
    store.put("ab03", [pack(make_example(narrator.tokenizer, make_video(1)))])
    path = store.storage.local_path("training/samples/ab/ab03.arrow")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SchemaError, match="delete"):
        store.get("ab03")


@pytest.mark.parametrize(
    ("change", "is_other"),
    [
        ({"training": {"pack_videos": False}}, True),
        ({"training": {"max_tokens": 2048}}, True),
        ({"model": {"use_position": False}}, True),
        ({"length": {"policy": "reference"}}, True),
        ({"training": {"epochs": 3, "num_workers": 2}}, False),
        ({"model": {"device": "cpu"}, "decoding": {"seed": 3}}, False),
    ],
)
def test_samples_are_named_by_what_they_are_made_of(change, is_other):
    """And by nothing else."""
    work = WorkItem(make_video(1), "v1", "f" * 32, "n" * 32, True, False)
    assert (samples_key(work, Config.model_validate(change), PRINTS) != samples_key(work, Config(), PRINTS)) == is_other
