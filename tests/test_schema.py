"""Stored features: any Arrow reader opens them, and nothing is lost."""

import numpy as np
import pyarrow as pa
import pytest

from narrator_ray.errors import SchemaError
from narrator_ray.records import Clip
from narrator_ray.schema import VideoFeatures


def some_features(frames: int = 5) -> VideoFeatures:
    """Features of a two-clip video."""
    rng = np.random.default_rng(0)
    return VideoFeatures(
        clips=(Clip(0.0, 3.0), Clip(3.0, 5.0)),
        clip_index_T=np.array([0, 0, 0, 1, 1][:frames], np.int32),
        time_s_T=np.arange(frames) + 0.5,
        tokens_TQD=rng.standard_normal((frames, 4, 8)).astype(np.float16),
        thumbnails_jpeg=tuple(bytes([index]) for index in range(frames)),
        duration_s=5.0,
        fps=1.0,
        decoder="decord",
        encoder_fingerprint="abc",
        source_version="v1",
        notes=("a note",),
    )


def test_features_survive_the_store():
    """Bytes out, equal values in."""
    features = some_features()
    copy = VideoFeatures.from_arrow(features.to_arrow())
    np.testing.assert_array_equal(copy.tokens_TQD, features.tokens_TQD)
    assert copy.tokens_TQD.dtype == np.float16
    np.testing.assert_array_equal(copy.clip_index_T, features.clip_index_T)
    np.testing.assert_array_equal(copy.time_s_T, features.time_s_T)
    plain = (
        "clips",
        "thumbnails_jpeg",
        "duration_s",
        "fps",
        "decoder",
        "encoder_fingerprint",
        "source_version",
        "notes",
    )
    assert all(getattr(copy, name) == getattr(features, name) for name in plain)


def test_features_are_canonical_arrow():
    """A reader without this project sees a fixed-shape tensor column, one row per frame."""
    table = pa.ipc.open_file(some_features().to_arrow()).read_all()
    assert table.num_rows == 5
    assert table.schema.field("tokens").type.extension_name == "arrow.fixed_shape_tensor"
    assert table.column("tokens").type.shape == [4, 8]


def test_frames_of_a_clip_are_found():
    """Clips are not stored apart: a frame names its clip."""
    assert some_features().frames_of(1).tolist() == [3, 4]


def test_a_shape_that_does_not_fit_is_refused():
    """Lengths that disagree never reach the store."""
    with pytest.raises(SchemaError, match="4 frames"):
        good = some_features(4)
        VideoFeatures(
            good.clips,
            good.clip_index_T,
            good.time_s_T,
            good.tokens_TQD[:3],
            good.thumbnails_jpeg,
            5.0,
            1.0,
            "x",
            "",
            "",
        )


@pytest.mark.parametrize("data", [b"", b"garbage", some_features().to_arrow()[:200]])
def test_bytes_that_are_no_features_are_refused(data):
    """A damaged object is an error of ours, not of Arrow's."""
    with pytest.raises(SchemaError):
        VideoFeatures.from_arrow(data)


def test_a_foreign_arrow_file_is_refused():
    """The format is written in the file."""
    sink = pa.BufferOutputStream()
    table = pa.table({"a": [1]})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(SchemaError, match=r"narrator-ray\.features/1"):
        VideoFeatures.from_arrow(sink.getvalue().to_pybytes())
