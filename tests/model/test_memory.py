"""Memory consolidation averages the most similar neighbours and agrees with the released code."""

import json

import numpy as np
import pytest

from narrator_ray.model.memory import consolidate_memory
from tests.model.golden import GOLDEN, TIE, needs_golden


def cases(variant: str, least_margin: float = TIE) -> dict:
    """Recorded cases of one variant, those decided by a tie left out."""
    summary = json.loads((GOLDEN / "compression_memory" / "summary.json").read_text())[variant]
    margins = {name: case.get("memory_min_top1_top2_margin") for name, case in summary.items()}
    return {name: case for name, case in summary.items() if margins[name] is None or margins[name] > least_margin}


def test_averages_are_plain():
    """A frame that stands for two counts as much as one that stands for itself."""
    tokens = np.array([[[1.0, 0.0]], [[1.0, 0.1]], [[0.0, 1.0]]], np.float32)
    np.testing.assert_allclose(consolidate_memory(tokens), [[[0.5, 0.525]]], rtol=1e-6)


def test_a_longer_memory_keeps_more():
    """Two frames are left of three, the dissimilar one as it was."""
    tokens = np.array([[[1.0, 0.0]], [[1.0, 0.1]], [[0.0, 1.0]]], np.float32)
    np.testing.assert_allclose(consolidate_memory(tokens, 2), [[[1.0, 0.05]], [[0.0, 1.0]]], rtol=1e-6)


def test_a_short_past_is_left_alone():
    """Fewer frames than the memory holds stay unchanged."""
    tokens = np.ones((2, 3, 4), np.float16)
    np.testing.assert_array_equal(consolidate_memory(tokens, 5), tokens)


def test_the_input_is_not_changed():
    """Features are shared between clips."""
    tokens = np.random.default_rng(0).standard_normal((6, 2, 4)).astype(np.float32)
    before = tokens.copy()
    consolidate_memory(tokens)
    np.testing.assert_array_equal(tokens, before)


@needs_golden
def test_the_chinese_variant_is_reproduced():
    """One frame, similarity of token means; float16 inputs within half a unit in the last place."""
    data = np.load(GOLDEN / "compression_memory" / "merge_ch.npz")
    checked = cases("ch")
    assert len(checked) >= 10
    for name in checked:
        memory = consolidate_memory(data[f"{name}.in"])
        tolerance = 1e-3 if memory.dtype == np.float16 else 1e-6
        np.testing.assert_allclose(memory, data[f"{name}.memory_tokens"], atol=tolerance, err_msg=name)


@needs_golden
def test_half_precision_changes_no_more_than_its_rounding():
    """Features are stored as float16; averages are taken in float32."""
    data = np.load(GOLDEN / "compression_memory" / "merge_ch.npz")
    clear = cases("ch", least_margin=1e-4)
    assert len(clear) >= 6
    for name in clear:
        memory = consolidate_memory(data[f"{name}.in"].astype(np.float16))
        assert memory.dtype == np.float16
        np.testing.assert_allclose(memory, data[f"{name}.memory_tokens"], atol=2e-3, err_msg=name)


def test_the_memory_of_more_clips_is_not_made_from_the_memory_of_fewer():
    """A new frame may join the last old one first: then the old frames' shares are others than they were."""
    old = np.array([[[1.0, 0.0]], [[0.8, 0.6]], [[0.3, 1.0]]], np.float32)
    new = np.array([[[0.25, 1.0]]], np.float32)
    at_once = consolidate_memory(np.concatenate([old, new]))
    step_by_step = consolidate_memory(np.concatenate([consolidate_memory(old), new]))
    assert np.abs(at_once - step_by_step).max() > 0.05


@needs_golden
@pytest.mark.parametrize("is_memory", [True, False])
def test_the_english_variant_is_reproduced(is_memory):
    """Similarity of CLIP vectors, to one frame, or to half of them and at most five."""
    data = np.load(GOLDEN / "compression_memory" / "merge_en.npz")
    checked = cases("en")
    assert len(checked) >= 8
    for name in checked:
        tokens, guide = data[f"{name}.in_tokens"], data[f"{name}.in_clip"]
        num_frames = 1 if is_memory else min((len(tokens) + 1) // 2, 5)
        expected = data[f"{name}.{'memory' if is_memory else 'nomem'}_tokens"]
        np.testing.assert_allclose(consolidate_memory(tokens, num_frames, guide), expected, atol=1e-6, err_msg=name)
