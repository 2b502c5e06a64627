"""What lies between the matrix products of a LLaMA-like layer, each in one pass over memory, for CPUs.

A layer's products take a third of its time on a CPU when everything between them (norms, rotations, gates, changes of
precision, attention of single tokens) is a chain of small operations that each read and write all of it. Compiled by
numba when first called and kept on disk from then on. Arrays in, arrays out; half precision is the upper half of
float32 (bfloat16), handed over as its bits (int16). Knows no models.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import config, njit, prange, set_num_threads, types
from numba.extending import intrinsic

config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]  # first the threads that torch computes with

FloatArray = npt.NDArray[np.float32]
BitsArray = npt.NDArray[np.int16]
IndexArray = npt.NDArray[np.int64]
F = np.float32

_LEAST_PARALLEL = 1 << 15
"""Waking a second thread takes as long as working through so many numbers."""
_HALF, _LOG2_E, _LN_2_HIGH, _LN_2_LOW = F(0.5), F(1.44269504), F(0.693359375), F(-2.12194440e-4)


@intrinsic
def float_of(typing_context: Any, bits: Any) -> Any:
    """The float32 that int32 bits stand for."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


@intrinsic
def bits_of(typing_context: Any, number: Any) -> Any:
    """The int32 bits of a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int32))

    return types.int32(types.float32), generate


@njit(inline="always", fastmath=True)
def exponential(number: Any) -> Any:
    """The exponential of a float32, to within 2e-7 of it: 2 to a whole power times a polynomial.

    Written out because only then several are computed at once.
    """
    bounded = min(max(number, F(-87.0)), F(88.0))
    power = np.floor(bounded * _LOG2_E + _HALF)
    rest = bounded - power * _LN_2_HIGH - power * _LN_2_LOW
    series = F(1 / 5040) * rest + F(1 / 720)
    series = series * rest + F(1 / 120)
    series = series * rest + F(1 / 24)
    series = series * rest + F(1 / 6)
    series = series * rest + _HALF
    series = series * rest * rest + rest + F(1)
    return series * float_of(np.int32((np.int32(power) + np.int32(127)) << np.int32(23)))


@njit(inline="always")
def widened(half: Any) -> Any:
    """The float32 that int16 bits in half precision stand for."""
    return float_of(np.int32(half) << np.int32(16))


@njit(inline="always")
def halved(number: Any) -> Any:
    """The int16 bits of a float32 in half precision, rounded to the nearest, to even where two are as near."""
    bits = bits_of(F(number))
    return np.int16((bits + np.int32(0x7FFF) + ((bits >> np.int32(16)) & np.int32(1))) >> np.int32(16))


def _normalise(rows_NH: FloatArray, weight_H: FloatArray, epsilon: float, out_NH: BitsArray) -> None:
    size = rows_NH.shape[1]
    for n in prange(rows_NH.shape[0]):
        total = F(0)
        for i in range(size):
            total += rows_NH[n, i] * rows_NH[n, i]
        factor = F(1) / np.sqrt(total / F(size) + F(epsilon))
        for i in range(size):
            out_NH[n, i] = halved(rows_NH[n, i] * factor * weight_H[i])


def _gate(halves_N2I: BitsArray, out_NI: BitsArray) -> None:
    size = out_NI.shape[1]
    for n in prange(out_NI.shape[0]):
        for i in range(size):
            gate = widened(halves_N2I[n, i])
            out_NI[n, i] = halved(gate / (F(1) + exponential(-gate)) * widened(halves_N2I[n, size + i]))


def _rotate(
    halves_NE: BitsArray,
    bias_E: FloatArray,
    cosine_ND: FloatArray,
    sine_ND: FloatArray,
    queries_NHD: FloatArray,
    keys_NHD: FloatArray,
    values_NHD: FloatArray,
) -> None:
    size, num_queries, num_keys = cosine_ND.shape[1], queries_NHD.shape[1], keys_NHD.shape[1]
    half = size // 2
    for n in prange(halves_NE.shape[0]):
        for head in range(num_queries + num_keys):
            out = queries_NHD[n, head] if head < num_queries else keys_NHD[n, head - num_queries]
            first = head * size
            for i in range(half):
                left = widened(halves_NE[n, first + i]) + bias_E[first + i]
                right = widened(halves_NE[n, first + half + i]) + bias_E[first + half + i]
                out[i] = left * cosine_ND[n, i] - right * sine_ND[n, i]
                out[half + i] = right * cosine_ND[n, half + i] + left * sine_ND[n, half + i]
        first = (num_queries + num_keys) * size
        for head in range(num_keys):
            for i in range(size):
                place = first + head * size + i
                values_NHD[n, head, i] = widened(halves_NE[n, place]) + bias_E[place]


def _attend(
    queries_BHD: FloatArray,
    keys: FloatArray,
    values: FloatArray,
    lanes_B: IndexArray,
    spans_B2: IndexArray,
    out_BHD: FloatArray,
    scores_BHW: FloatArray,
) -> None:
    num_shared, size = keys.shape[1], queries_BHD.shape[2]
    group = queries_BHD.shape[1] // num_shared
    for job in prange(lanes_B.shape[0] * num_shared):
        row, shared = job // num_shared, job % num_shared
        heads = slice(shared * group, (shared + 1) * group)
        queries, out, scores = queries_BHD[row, heads], out_BHD[row, heads], scores_BHW[row, heads]
        own_keys, own_values = keys[lanes_B[row], shared], values[lanes_B[row], shared]
        first, end = spans_B2[row, 0], spans_B2[row, 1]
        for t in range(first, end):
            for head in range(group):
                product = F(0)
                for i in range(size):
                    product += queries[head, i] * own_keys[t, i]
                scores[head, t] = product
        for head in range(group):
            highest = F(-np.inf)
            for t in range(first, end):
                highest = max(highest, scores[head, t])
            total = F(0)
            for t in range(first, end):
                weight = exponential(scores[head, t] - highest)
                scores[head, t] = weight
                total += weight
            share = F(1) / total
            for t in range(first, end):
                scores[head, t] *= share
            for i in range(size):
                out[head, i] = F(0)
        num_odd = (end - first) % 4
        for t in range(first, first + num_odd):
            for head in range(group):
                for i in range(size):
                    out[head, i] += scores[head, t] * own_values[t, i]
        for t in range(first + num_odd, end, 4):  # four rows at a time: what is written is read back less often
            for head in range(group):
                weight = scores[head, t]
                second, third, fourth = scores[head, t + 1], scores[head, t + 2], scores[head, t + 3]
                for i in range(size):
                    both = weight * own_values[t, i] + second * own_values[t + 1, i]
                    out[head, i] += both + third * own_values[t + 2, i] + fourth * own_values[t + 3, i]


_OPTIONS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "arcp", "nsz"}, "error_model": "numpy", "cache": True}


class Kernel:
    """A kernel that works with as many threads as the size of its last argument is worth.

    Args:
        function: Over arrays, with a ``prange`` over the first axis.
        work: Numbers that are gone through for each number of the last argument.
    """

    def __init__(self, function: Any, work: int = 1) -> None:
        self._work = work
        self._together = njit(parallel=True, **_OPTIONS)(function)
        twin = FunctionType(function.__code__, function.__globals__, f"{function.__name__}_alone")
        twin.__qualname__ = twin.__name__  # what is kept on disk goes by this name, whatever the number of threads
        self._alone = njit(**_OPTIONS)(twin)

    def __call__(self, *arguments: Any, num_threads: int) -> None:
        """Compute, with that many threads at most."""
        if num_threads < 2 or arguments[-1].size * self._work < _LEAST_PARALLEL:
            self._alone(*arguments)
            return
        set_num_threads(min(num_threads, config.NUMBA_NUM_THREADS))  # numba remembers it for each thread that calls
        self._together(*arguments)


normalise = Kernel(_normalise)
"""Rows [N, H], weight [H], epsilon: root-mean-square norm, as bits [N, H]."""
gate = Kernel(_gate)
"""Bits [N, 2 I] of a gate beside what it gates: silu of the one times the other, as bits [N, I]."""
rotate = Kernel(_rotate)
"""Bits [N, E] of queries, keys and values beside each other, bias [E], cosines and sines [N, D]: all three in float32,
each [N, heads, D], queries and keys rotated by their position."""
attend = Kernel(_attend, work=16)
"""Attention of one token in each of B lanes: scaled queries [B, Hq, D], all lanes' keys and values [lanes, Hkv, W, D],
which lanes [B], first place and end of what each sees [B, 2], what is seen [B, Hq, D], room for scores [B, Hq, W]."""
