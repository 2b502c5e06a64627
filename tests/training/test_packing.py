"""A packed video teaches exactly what its samples teach one by one."""

import numpy as np
import pytest
import torch

from narrator_ray.errors import ConfigError
from narrator_ray.training.batches import TensorBatch, summed_loss
from narrator_ray.training.examples import COMMON, sample_of
from narrator_ray.training.packing import ModelShape, forward_flops, pack, packs, require_full_attention
from tests.narration.test_architectures import DIM, make_narrator
from tests.training.videos import make_example, make_video


def loss_and_gradients(narrator, batches):
    """Summed over batches, of every weight."""
    narrator.zero_grad()
    losses = [summed_loss(narrator, batch) for batch in batches]
    sum(losses).backward()
    gradients = {name: weight.grad.clone() for name, weight in narrator.named_parameters() if weight.grad is not None}
    return sum(losses).item(), gradients


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_loss_and_gradients_are_those_of_separate_samples(architecture, language):
    """Two videos of unequal length packed side by side, in double precision but for norms, which stay in single."""
    narrator = make_narrator(architecture).double()
    videos = [make_video(1, 4, language), make_video(2, 2, language)]
    examples = [make_example(narrator.tokenizer, video, dim=DIM) for video in videos]
    alone = [sample_of(example, index) for example in examples for index in range(len(example.clips))]
    pad = narrator.tokenizer.pad_token_id
    expected_loss, expected = loss_and_gradients(narrator, [TensorBatch.of([sample], pad) for sample in alone])
    packed = TensorBatch.of([pack(example) for example in examples], pad)
    loss, gradients = loss_and_gradients(narrator, [packed])
    assert packed.num_supervised == sum(sample.num_supervised for sample in alone)
    assert loss == pytest.approx(expected_loss, rel=1e-8)
    assert gradients.keys() == expected.keys()
    assert {"projector.weight", "projector.bias", "position_embedding.weight"} < gradients.keys()
    for name, gradient in gradients.items():
        scale = expected[name].abs().max().item()
        assert scale > 0
        np.testing.assert_allclose(gradient, expected[name], rtol=0, atol=2e-6 * scale, err_msg=name)


def test_samples_side_by_side_are_those_alone(narrator):
    """Padding changes nothing, and nothing is seen of it."""
    example = make_example(narrator.tokenizer, make_video(1, 4))
    samples = [sample_of(example, index) for index in range(4)]
    alone = sum(summed_loss(narrator, TensorBatch.of([sample], 0)).item() for sample in samples)
    together = summed_loss(narrator, TensorBatch.of(samples, 0)).item()
    assert together == pytest.approx(alone, rel=1e-4)


def test_common_text_stands_once(narrator):
    """As many tokens as the document without scenes, up to the last opening, and each clip's branch."""
    example = make_example(narrator.tokenizer, make_video(1, 5))
    packed, last = pack(example), sample_of(example, 4)
    num_common = len(last.input_ids) - len(example.clips[4].branch)
    assert (packed.branches == COMMON).sum() == num_common
    assert len(packed.input_ids) == num_common + sum(len(clip.branch) for clip in example.clips)
    assert packed.positions.max() == last.positions.max()


def test_one_clip_packed_is_its_sample(narrator):
    """Token by token."""
    example = make_example(narrator.tokenizer, make_video(1, 1))
    packed, alone = pack(example), sample_of(example, 0)
    for field in ("input_ids", "labels", "positions"):
        np.testing.assert_array_equal(getattr(packed, field), getattr(alone, field))


@pytest.mark.parametrize(("most", "num_parts"), [(1, 6), (500, 5), (800, 2), (10**6, 1)])
def test_a_long_video_is_packed_in_parts(narrator, most, num_parts):
    """Within the limit where a single sample is, with as many supervised tokens and the same loss."""
    example = make_example(narrator.tokenizer, make_video(1, 6))
    parts, alone = packs(example, most), [sample_of(example, index) for index in range(6)]
    assert len(parts) == num_parts
    longest = max(len(sample.input_ids) for sample in alone)
    assert all(len(part.input_ids) <= max(most, longest) for part in parts)
    expected = sum(summed_loss(narrator, TensorBatch.of([sample], 0)).item() for sample in alone)
    assert sum(summed_loss(narrator, TensorBatch.of([part], 0)).item() for part in parts) == pytest.approx(
        expected, rel=1e-4
    )


def test_sliding_windows_are_refused():
    """A packed sequence does not keep to them."""
    with pytest.raises(ConfigError, match="pack_videos"):
        require_full_attention(make_narrator("mistral", sliding_window=12).llm.config)
    require_full_attention(make_narrator("qwen2").llm.config)


def test_the_seventh_clip_costs_little_more():
    """Weights count once a token, attention once a pair: masked pairs are paid for where sequences are packed."""
    shape = ModelShape(num_weights=100, width=2, num_layers=3)
    assert forward_flops([10], shape, is_packed=True) == 2 * 100 * 10 + 4 * 2 * 3 * 100
    assert forward_flops([10, 10], shape, is_packed=False) == 2 * 100 * 20 + 4 * 2 * 3 * 100


def test_half_precision_scores_are_summed_in_single(narrator):
    """The loss is float32 whatever the model computes in."""
    from narrator_ray.model.narrator import VideoNarrator
    from narrator_ray.model.presets import find_preset, prepare_model

    half = VideoNarrator.load(prepare_model(find_preset("tiny-random")).path, dtype=torch.bfloat16)
    batch = TensorBatch.of([pack(make_example(narrator.tokenizer, make_video(1)))], 0)
    loss, expected = summed_loss(half, batch), summed_loss(narrator, batch)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=0.02)
