"""The shared encoder: batches are full whatever videos they are made of, and each video gets its own tokens."""

import threading

import numpy as np
import pytest

from narrator_ray.errors import RejectReason, StorageError
from narrator_ray.records import Rejection
from narrator_ray.stages.shared_encoder import Frames, SharedEncoder, Tokens
from tests.stages.fakes import work_item

PATIENCE_S = 30
BATCH = 4
BAD, FATAL = 254, 255


class CountingEncoder:
    """One token a frame: its level. Cannot stand some levels.

    Attributes:
        calls: Frames of each call.
        gate: Set when it may go on.
    """

    image_size_px, num_queries, dim, fingerprint = 1, 1, 1, "e"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.gate = threading.Event()

    def encode(self, frames_TCHW: Frames) -> Tokens:
        """[T, 1, 1] levels."""
        assert self.gate.wait(PATIENCE_S)
        self.calls.append(len(frames_TCHW))
        if (frames_TCHW == BAD).any():
            raise RuntimeError("white out")
        if (frames_TCHW == FATAL).any():
            raise StorageError("disk full")
        return frames_TCHW[:, :1, 0].astype(np.float16)


@pytest.fixture
def encoder() -> CountingEncoder:
    """An encoder that waits to be let on."""
    return CountingEncoder()


def frames(*levels: int) -> Frames:
    """A frame of each level."""
    return np.repeat(np.array(levels, np.uint8), 3).reshape(-1, 3, 1, 1)


def levels(outcome: Tokens | Rejection) -> list[int]:
    """What was seen of a video."""
    assert not isinstance(outcome, Rejection)
    return [int(level) for level in outcome.ravel()]


def test_batches_are_full_from_call_to_call(encoder: CountingEncoder) -> None:
    """Nine frames of four videos and two calls are three batches, the last with the one that is left."""
    shared = SharedEncoder(encoder, BATCH, "encode_features")
    videos = [(1, 2), (3, 4, 5), (6,), (7, 8, 9)]
    first, second = (
        shared.submit([(work_item(str(video)), frames(*video)) for video in half]) for half in (videos[:2], videos[2:])
    )
    encoder.gate.set()
    seen = [future.result(PATIENCE_S) for future in (*first, *second)]
    assert [levels(its.outcome) for its in seen] == [list(video) for video in videos]
    assert encoder.calls == [4, 4, 1]
    assert all(its.cost.busy_s > 0 for its in seen)


def test_a_video_that_cannot_be_encoded_is_rejected_alone(encoder: CountingEncoder) -> None:
    """Though it shares batches with those before and after it."""
    shared = SharedEncoder(encoder, BATCH, "encode_features")
    videos = {"red": (1, 2, 3), "white": (4, 5, 6, BAD), "blue": (7, 8)}
    asked = shared.submit([(work_item(name), frames(*video)) for name, video in videos.items()])
    encoder.gate.set()
    red, white, blue = (future.result(PATIENCE_S).outcome for future in asked)
    assert (levels(red), levels(blue)) == ([1, 2, 3], [7, 8])
    assert isinstance(white, Rejection)
    assert (white.video_id, white.reason) == ("white", RejectReason.UNEXPECTED)


def test_what_stops_the_run_reaches_every_caller(encoder: CountingEncoder) -> None:
    """Nobody waits for ever; the encoder serves whoever comes afterwards."""
    shared = SharedEncoder(encoder, BATCH, "encode_features")
    asked = shared.submit([(work_item(name), frames(FATAL)) for name in ("red", "blue")])
    encoder.gate.set()
    for future in asked:
        with pytest.raises(StorageError):
            future.result(PATIENCE_S)
    (later,) = shared.submit([(work_item("green"), frames(1))])
    assert levels(later.result(PATIENCE_S).outcome) == [1]
