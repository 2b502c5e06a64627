"""The encoding stage: all frames of a batch at once, each video's features stored, one bad video apart."""

import numpy as np
import pytest

from narrator_ray.config import load_config
from narrator_ray.errors import RejectReason
from narrator_ray.model.presets import find_preset
from narrator_ray.outputs.store import ResultStore
from narrator_ray.schema import SAMPLED
from narrator_ray.stages.encode_features import EncodeFeatures
from narrator_ray.stages.item import planned_row, rows_of, table_of
from tests.stages.fakes import FakeBoard, work_item

SIDE = 2
BAD = 255


class FragileEncoder:
    """One token a frame: its mean. Cannot stand white frames."""

    image_size_px = SIDE
    fingerprint = "e" * 64

    def __init__(self) -> None:
        self.calls: list[int] = []

    def encode(self, frames_TCHW):
        """[T, 1, 1] means."""
        self.calls.append(len(frames_TCHW))
        if (frames_TCHW == BAD).all(axis=(1, 2, 3)).any():
            raise RuntimeError("white out")
        return frames_TCHW.mean(axis=(1, 2, 3), dtype=np.float32)[:, None, None].astype(np.float16)


def sampled_row(name: str, *levels: int, **work: object) -> dict:
    """A one-clip video with one grey frame per level; without levels nothing was decoded."""
    row = planned_row(work_item(name, **work))
    if not levels:
        return row
    frames = np.stack([np.full((3, SIDE, SIDE), level, np.uint8) for level in levels])
    return row | {
        "frames": frames.tobytes(),
        "clips": [[0.0, float(len(levels))]],
        "clip_index": [0] * len(levels),
        "time_s": [index + 0.5 for index in range(len(levels))],
        "thumbnails": [b"jpeg"] * len(levels),
        "duration_s": float(len(levels)),
        "decoder": "pyav",
        "notes": [],
    }


@pytest.fixture
def store(tmp_path) -> ResultStore:
    """An empty output."""
    return ResultStore.open(str(tmp_path))


@pytest.fixture
def encoder() -> FragileEncoder:
    """Counts its calls."""
    return FragileEncoder()


@pytest.fixture
def stage(store, encoder, monkeypatch) -> EncodeFeatures:
    """The stage over a fragile encoder."""
    monkeypatch.setattr("narrator_ray.model.vision_encoder.load_vision_encoder", lambda *_: encoder)
    return EncodeFeatures(find_preset("tiny-random"), store, load_config(), "cpu", FakeBoard())


def test_videos_of_a_batch_are_encoded_together_and_stored_apart(stage, encoder, store):
    """One call for five frames; each video gets its own tokens back, times and decoder included."""
    rows = rows_of(stage(table_of([sampled_row("a", 1, 2), sampled_row("b", 3, 4, 5)], SAMPLED)))
    assert encoder.calls == [5]
    tokens = [store.get_features(encoder.fingerprint, row.work.features_key).tokens_TQD.ravel() for row in rows]
    assert [list(values) for values in tokens] == [[1, 2], [3, 4, 5]]
    features = store.get_features(encoder.fingerprint, rows[1].work.features_key)
    assert (features.decoder, features.duration_s, features.time_s_T.tolist()) == ("pyav", 3.0, [0.5, 1.5, 2.5])


def test_a_video_that_cannot_be_encoded_is_rejected_alone(stage, encoder, store):
    """After the batch failed, each is tried by itself."""
    batch = [sampled_row("a", 1), sampled_row("white", BAD), sampled_row("b", 2)]
    rows = {row.work.video.video_id: row for row in rows_of(stage(table_of(batch, SAMPLED)))}
    assert encoder.calls == [3, 1, 1, 1]
    assert rows["white"].rejection.reason == RejectReason.UNEXPECTED
    assert len(store.known_features(encoder.fingerprint)) == 2


def test_videos_with_features_pass_through(stage, encoder):
    """Nothing is encoded that is in the store already."""
    (row,) = rows_of(stage(table_of([sampled_row("a", has_features=True)], SAMPLED)))
    assert encoder.calls == []
    assert (row.rejection, row.costs) == (None, {})
