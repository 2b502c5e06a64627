"""Contexts: memory of the past, compressed present, position."""

import numpy as np
import pytest

from narrator_ray.config import ModelSettings
from narrator_ray.model.compression import compress_frames
from narrator_ray.model.context import prepare_context
from narrator_ray.model.memory import consolidate_memory
from narrator_ray.records import Clip
from narrator_ray.schema import VideoFeatures


@pytest.fixture
def features() -> VideoFeatures:
    """Three clips with 3, 1 and 4 frames."""
    tokens = np.random.default_rng(1).standard_normal((8, 2, 4)).astype(np.float16)
    tokens[1] = tokens[0]
    return VideoFeatures(
        clips=(Clip(0, 3), Clip(3, 4), Clip(4, 8)),
        clip_index_T=np.array([0, 0, 0, 1, 2, 2, 2, 2], np.int32),
        time_s_T=np.arange(8) + 0.5,
        tokens_TQD=tokens,
        thumbnails_jpeg=(b"",) * 8,
        duration_s=8.0,
        fps=1.0,
        decoder="decord",
        encoder_fingerprint="",
        source_version="",
    )


def test_the_first_clip_has_no_memory(features):
    """Its tokens are its own compressed frames, flattened."""
    first = prepare_context(features, ModelSettings())[0]
    expected, kept = compress_frames(features.tokens_TQD[:3])
    np.testing.assert_array_equal(first.tokens_ND, expected.reshape(-1, 4))
    assert first.kept_indices == tuple(kept.tolist()) == (0, 2)


def test_later_clips_start_with_the_memory_of_all_uncompressed_frames_before(features):
    """The past is not compressed before it is averaged; kept frames are numbered within the video."""
    last = prepare_context(features, ModelSettings())[2]
    memory = consolidate_memory(features.tokens_TQD[:4])
    own, kept = compress_frames(features.tokens_TQD[4:])
    np.testing.assert_array_equal(last.tokens_ND, np.concatenate([memory, own]).reshape(-1, 4))
    assert last.kept_indices == tuple((kept + 4).tolist())


def test_positions_follow_the_clips(features):
    """0, the middle of the second clip, 99."""
    assert [context.position for context in prepare_context(features, ModelSettings())] == [0, 43, 99]


def test_the_length_of_the_memory_is_a_setting(features):
    """Two frames of memory are two frames more of tokens."""
    short = prepare_context(features, ModelSettings(memory_frames=1))[2]
    long = prepare_context(features, ModelSettings(memory_frames=2))[2]
    assert len(long.tokens_ND) - len(short.tokens_ND) == 2


def test_without_compression_every_frame_of_the_clip_is_seen(features):
    """Ablation d."""
    first = prepare_context(features, ModelSettings(use_compression=False))[0]
    assert first.kept_indices == (0, 1, 2)
    np.testing.assert_array_equal(first.tokens_ND, features.tokens_TQD[:3].reshape(-1, 4))


def test_without_consolidation_all_earlier_frames_are_kept_or_none(features):
    """Ablation e, and a narrator without any past."""
    every = prepare_context(features, ModelSettings(memory="all"))[2]
    nothing = prepare_context(features, ModelSettings(memory="none"))[2]
    own = features.tokens_TQD[list(nothing.kept_indices)]
    np.testing.assert_array_equal(nothing.tokens_ND, own.reshape(-1, 4))
    np.testing.assert_array_equal(every.tokens_ND, np.concatenate([features.tokens_TQD[:4], own]).reshape(-1, 4))


def test_without_position_the_model_is_told_none(features):
    """Ablation c."""
    assert {context.position for context in prepare_context(features, ModelSettings(use_position=False))} == {None}


def test_a_guide_decides_what_the_memory_merges(features):
    """The released English variant measures similarity on other vectors than the tokens."""
    guide = np.eye(8, 3, dtype=np.float32)
    guide[3] = guide[2]
    context = prepare_context(features, ModelSettings(use_compression=False), guide)[2]
    expected = consolidate_memory(features.tokens_TQD[:4], 1, guide[:4])
    np.testing.assert_array_equal(context.tokens_ND[:2], expected.reshape(-1, 4))


def test_features_and_guide_are_left_as_they_were(features):
    """Contexts of a video are prepared from shared arrays."""
    tokens, guide = features.tokens_TQD.copy(), np.random.default_rng(2).standard_normal((8, 3)).astype(np.float32)
    before = guide.copy()
    prepare_context(features, ModelSettings(), guide_TD=guide)
    np.testing.assert_array_equal(features.tokens_TQD, tokens)
    np.testing.assert_array_equal(guide, before)
