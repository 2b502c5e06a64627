"""Visual compression drops near-duplicates, keeps what is left unchanged, and agrees with the released code."""

import json

import numpy as np
import pytest

from narrator_ray.model.compression import compress_frames
from tests.model.golden import GOLDEN, needs_golden


def frames(*angles_degrees: float) -> np.ndarray:
    """One-token frames whose similarity is the cosine of the angle between them, [T, 1, 2]."""
    radians = np.radians(angles_degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)[:, None].astype(np.float32)


def test_the_right_frame_of_the_most_similar_pair_goes_first():
    """20 degrees are similar enough, and after the drop the left frame faces its new neighbour."""
    kept_tokens, kept = compress_frames(frames(0, 20, 30, 90))
    assert kept.tolist() == [0, 3]
    np.testing.assert_array_equal(kept_tokens, frames(0, 20, 30, 90)[[0, 3]])


def test_frames_that_differ_all_stay():
    """Below the threshold nothing is dropped."""
    assert compress_frames(frames(0, 40, 80))[1].tolist() == [0, 1, 2]


def test_the_threshold_itself_counts_as_similar():
    """A pair at exactly the threshold loses its right frame."""
    tokens = np.array([[[1.0, 0.0]], [[0.6, 0.8]]], np.float32)
    assert compress_frames(tokens, threshold=np.float32(0.6))[1].tolist() == [0]


def test_one_frame_always_stays():
    """Identical frames become one; a single one is left alone."""
    assert compress_frames(frames(5, 5, 5))[1].tolist() == [0]
    assert compress_frames(frames(5))[1].tolist() == [0]


def test_half_precision_stays_half_precision():
    """Stored features are float16."""
    assert compress_frames(frames(0, 80).astype(np.float16))[0].dtype == np.float16


@needs_golden
def test_every_recorded_case_is_reproduced():
    """Kept frames and tokens of all cases of the released code, ties included as they are unambiguous here."""
    data = np.load(GOLDEN / "compression_memory" / "merge_ch.npz")
    cases = json.loads((GOLDEN / "compression_memory" / "summary.json").read_text())["ch"]
    assert len(cases) == 16
    for name, case in cases.items():
        tokens, kept = compress_frames(data[f"{name}.in"])
        assert kept.tolist() == case["kept"], name
        np.testing.assert_array_equal(tokens, data[f"{name}.compress_tokens"], err_msg=name)


@needs_golden
def test_half_precision_keeps_the_same_frames():
    """Features are stored as float16: the recorded frames stay where rounding does not touch the decision."""
    data = np.load(GOLDEN / "compression_memory" / "merge_ch.npz")
    cases = json.loads((GOLDEN / "compression_memory" / "summary.json").read_text())["ch"]
    bounds = {"compress_min_top1_top2_margin": 2e-4, "compress_min_dist_to_0p9": 1e-3}
    clear = {
        name: case
        for name, case in cases.items()
        if all(case[key] is None or case[key] > bound for key, bound in bounds.items())
    }
    assert len(clear) >= 8
    for name, case in clear.items():
        tokens = data[f"{name}.in"].astype(np.float16)
        compressed, kept = compress_frames(tokens)
        assert kept.tolist() == case["kept"], name
        np.testing.assert_array_equal(compressed, tokens[case["kept"]], err_msg=name)


@pytest.mark.parametrize("seed", range(5))
def test_no_similar_neighbours_are_left(seed):
    """Whatever the frames, what is left is dissimilar pair by pair."""
    rng = np.random.default_rng(seed)
    tokens = rng.standard_normal((30, 4, 8)).cumsum(axis=0).astype(np.float32)
    kept, _ = compress_frames(tokens)
    means = kept.mean(axis=1)
    norms = np.linalg.norm(means, axis=1)
    assert ((means[:-1] * means[1:]).sum(axis=1) / (norms[:-1] * norms[1:]) < 0.9).all()
