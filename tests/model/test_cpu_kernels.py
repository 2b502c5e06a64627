"""Kernels between matrix products: what torch's chains of operations compute, with one thread and with several."""

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention, silu
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from narrator_ray.model import cpu_kernels
from narrator_ray.model.mixed_block import bits, run

HALF = torch.bfloat16


def halves(*shape: int) -> torch.Tensor:
    """Random numbers in half precision."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).to(HALF)


def assert_nearly_equal(ours: torch.Tensor, expected: torch.Tensor) -> None:
    """Equal but for the last bit of half precision, where sums in another order are rounded to another side."""
    torch.testing.assert_close(ours.float(), expected.float(), rtol=2**-7, atol=1e-6)
    assert (ours == expected).float().mean() > 0.98


@pytest.mark.parametrize("num_rows", [1, 7, 300])
def test_norms(num_rows):
    """As the model's own norm, rounded at the end."""
    rows, weight = halves(num_rows, 576).float() * 3, torch.linspace(0.5, 2, 576)
    out = torch.empty(num_rows, 576, dtype=HALF)
    run(cpu_kernels.normalise, rows.numpy(), weight.numpy(), 1e-5, bits(out))
    expected = weight * (rows * torch.rsqrt(rows.pow(2).mean(-1, keepdim=True) + 1e-5))
    assert_nearly_equal(out, expected.to(HALF))


@pytest.mark.parametrize("num_rows", [1, 7, 300])
def test_gates(num_rows):
    """The first half opens the second, large numbers included."""
    both = halves(num_rows, 512) * 30
    out = torch.empty(num_rows, 256, dtype=HALF)
    run(cpu_kernels.gate, bits(both), bits(out))
    opened, gated = both.float().chunk(2, -1)
    assert_nearly_equal(out, (silu(opened) * gated).to(HALF))


@pytest.mark.parametrize("num_rows", [1, 7, 300])
def test_rotations(num_rows):
    """Queries and keys as transformers rotates them, values as they are, each with its bias."""
    num_queries, num_keys, size = 6, 2, 16
    packed, bias = halves(num_rows, 10 * size), torch.linspace(-1, 1, 10 * size)
    angles = torch.rand(num_rows, size // 2) * 6
    cosine, sine = (torch.cat([turn, turn], -1) for turn in (angles.cos(), angles.sin()))
    outputs = [torch.empty(num_rows, heads, size) for heads in (num_queries, num_keys, num_keys)]
    run(cpu_kernels.rotate, bits(packed), bias.numpy(), cosine.numpy(), sine.numpy(), *(out.numpy() for out in outputs))
    heads = (packed.float() + bias).view(num_rows, 10, size).split([num_queries, num_keys, num_keys], 1)
    queries, keys = apply_rotary_pos_emb(heads[0], heads[1], cosine, sine, unsqueeze_dim=1)
    for ours, expected in zip(outputs, (queries, keys, heads[2]), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-6)


def test_rounding_is_that_of_torch():
    """To the nearest, to even half-way between two, for small and large numbers of either sign; NaN stays NaN."""
    numbers = torch.cat([halves(4096).float() * 10.0 ** torch.randint(-30, 30, (4096,)), torch.randn(4096)])
    half_way = (torch.arange(1, 2000) * 2**16 + 2**15).to(torch.int32).view(torch.float32)
    for case in (numbers, half_way, torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan")])):
        ours = np.array([cpu_kernels.halved(np.float32(number)) for number in case.numpy()], np.int16)
        assert torch.equal(torch.from_numpy(ours).view(HALF).isnan(), case.isnan())
        assert (ours == bits(case.to(HALF)))[~case.isnan().numpy()].all()


def test_exponentials_are_exact_to_seven_digits():
    """Over the range of float32; beyond it they stay at its ends."""
    numbers = np.linspace(-80, 80, 2001, dtype=np.float32)
    ours = np.array([cpu_kernels.exponential(number) for number in numbers])
    np.testing.assert_allclose(ours, np.exp(numbers.astype(np.float64)), rtol=3e-7)
    assert 0 < cpu_kernels.exponential(np.float32(-1e9)) < 1e-37
    assert 1e38 < cpu_kernels.exponential(np.float32(1e9)) < np.inf


def test_one_thread_and_several_give_the_same():
    """But for the last bit: each is compiled by itself, and may add up in another order."""
    rows, weight = halves(300, 576).float(), torch.linspace(0.1, 1, 576)
    alone, together = (torch.empty(300, 576, dtype=HALF) for _ in range(2))
    for out, num_threads in ((alone, 1), (together, 2)):
        cpu_kernels.normalise(rows.numpy(), weight.numpy(), 1e-5, bits(out), num_threads=num_threads)
    assert_nearly_equal(alone, together)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_attention_of_single_tokens(num_threads):
    """Each token as torch's attention over what its own lane holds, whatever the others hold or see."""
    random = torch.Generator().manual_seed(0)
    keys, values = (torch.randn(4, 2, 40, 16, generator=random) for _ in range(2))
    keys[2, :, 33:], values[2, :, 33:] = float("nan"), float("nan")  # beyond what is seen
    lanes, spans = np.array([0, 2, 3]), np.array([[0, 1], [0, 33], [7, 38]])
    queries = torch.randn(3, 6, 16, generator=random)
    out = torch.empty(3, 6, 16)
    arrays = (part.numpy() for part in (queries, keys, values))
    room = np.empty((3, 6, 38), np.float32)
    cpu_kernels.attend(*arrays, lanes, spans, out.numpy(), room, num_threads=num_threads)
    for row, (lane, (first, end)) in enumerate(zip(lanes, spans, strict=True)):
        own = (part[lane, :, first:end].repeat_interleave(3, 0) for part in (keys, values))
        expected = scaled_dot_product_attention(queries[row, :, None], *own, scale=1.0)
        torch.testing.assert_close(out[row], expected[:, 0], rtol=1e-5, atol=1e-6)
