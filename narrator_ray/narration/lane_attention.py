"""Attention of packed lanes: every token looks at what its own lane has read, straight from the lane blocks.

Query heads that share keys are folded into rows of one product, so that shared keys and values are read once and never
copied; on a CPU, copying them took 20 times as long as attending (64 lanes of 700 tokens). Texts attend by torch's
fused kernel. Single tokens attend by one of ours on a CPU (``model.cpu_kernels``), which reads of every lane just what
it holds, and by plain products elsewhere. Registered with transformers under a name; without lanes it is its ``sdpa``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from narrator_ray.model import cpu_kernels
from narrator_ray.narration.kv_cache import LaneCache, Segment

LANE_ATTENTION = "narration_lanes"


class LaneAttention:
    """What the lanes of one reading look at.

    Args:
        cache: The lanes, ready to read.
    """

    def __init__(self, cache: LaneCache) -> None:
        self._cache = cache
        self._masks: dict[tuple[object, ...], Tensor] = {}
        self._known_runs: list[tuple[int, range]] | None = None
        self._spans: dict[int | None, npt.NDArray[np.int64]] = {}

    def attend(
        self, layer_idx: int, queries: Tensor, scaling: float, window: int | None, softcap: float | None
    ) -> Tensor:
        """Attention of one layer.

        Args:
            layer_idx: Which layer; its keys and values must have been written.
            queries: [1, Hq, N, D], packed.
            scaling: Factor of the products.
            window: Most tokens that a token looks back, itself included; None for all.
            softcap: Bound of the scores, for models that have one.

        Returns:
            [1, N, Hq, D].
        """
        packed_NHD = queries[0].transpose(0, 1)
        seen_NHD = torch.empty_like(packed_NHD)
        num_singles = len(self._cache.reading.singles)
        if num_singles:
            seen_NHD[:num_singles] = self._singles(layer_idx, packed_NHD[:num_singles], scaling, window, softcap)
        for text in self._cache.reading.texts:
            rows = slice(text.row, text.row + text.num_tokens)
            seen_NHD[rows] = self._text(layer_idx, text, packed_NHD[rows], scaling, window, softcap)
        return seen_NHD[None]

    def _singles(
        self, layer_idx: int, queries_BHD: Tensor, scaling: float, window: int | None, softcap: float | None
    ) -> Tensor:
        """One query in each of some lanes: [B, Hq, D]."""
        keys, values = self._cache.block(layer_idx)
        if softcap is None and keys.device.type == "cpu" and keys.dtype == torch.float32:
            return self._fused_singles(queries_BHD * scaling, keys, values, window)
        folded_BHGD = _unflatten(queries_BHD, 1, keys.shape[1]) * scaling
        seen_BHGD = torch.empty_like(folded_BHGD)
        for row, run in self._runs():
            rows, width = slice(row, row + len(run)), self._width(run)
            lanes = slice(run.start, run.stop)
            scores = torch.matmul(folded_BHGD[rows], keys[lanes, :, :width].mT)
            weights = _weights(scores, self._run_mask(run, window, queries_BHD), softcap)
            torch.matmul(weights, values[lanes, :, :width], out=seen_BHGD[rows])
        return seen_BHGD.flatten(1, 2)

    def _fused_singles(self, queries_BHD: Tensor, keys: Tensor, values: Tensor, window: int | None) -> Tensor:
        """The same in one pass over what each lane holds."""
        spans_B2 = self._spans_of(window)
        seen_BHD = torch.empty_like(queries_BHD, memory_format=torch.contiguous_format)
        room_BHW = np.empty((*queries_BHD.shape[:2], spans_B2.max()), np.float32)
        lanes_B = np.array(self._cache.reading.singles)
        arrays = (part.numpy() for part in (queries_BHD.contiguous(), keys, values))
        attend = cpu_kernels.attend
        attend(*arrays, lanes_B, spans_B2, seen_BHD.numpy(), room_BHW, num_threads=torch.get_num_threads())
        return seen_BHD

    def _spans_of(self, window: int | None) -> npt.NDArray[np.int64]:
        """First place and end of what each single token sees of its lane, [B, 2]."""
        if window not in self._spans:
            ends = np.array([self._cache.lengths[lane] for lane in self._cache.reading.singles])
            firsts = np.zeros_like(ends) if window is None else np.maximum(ends - window, 0)
            self._spans[window] = np.stack([firsts, ends], axis=1)
        return self._spans[window]

    def _text(
        self,
        layer_idx: int,
        text: Segment,
        queries_THD: Tensor,
        scaling: float,
        window: int | None,
        softcap: float | None,
    ) -> Tensor:
        """The queries of one lane's text: [T, Hq, D]."""
        all_keys, all_values = self._cache.block(layer_idx)
        width, num_heads = text.start + text.num_tokens, all_keys.shape[1]
        folded = _unflatten(queries_THD.transpose(0, 1), 0, num_heads).flatten(1, 2)[None]
        keys, values = all_keys[text.lane, None, :, :width], all_values[text.lane, None, :, :width]
        mask = self._text_mask(text, queries_THD.shape[1] // num_heads, window, queries_THD)
        if softcap is None:
            seen = scaled_dot_product_attention(folded, keys, values, attn_mask=mask, scale=scaling)
        else:
            seen = torch.matmul(_weights(torch.matmul(folded * scaling, keys.mT), mask, softcap), values)
        return _unflatten(seen[0], 1, -1, text.num_tokens).flatten(0, 1).transpose(0, 1)

    def _runs(self) -> list[tuple[int, range]]:
        """Neighbouring lanes that read a single token, each run with the row of its first."""
        if self._known_runs is None:
            breaks = [i for i, (a, b) in enumerate(pairwise(self._cache.reading.singles), 1) if b != a + 1]
            singles = self._cache.reading.singles
            ends = [*breaks, len(singles)]
            self._known_runs = [
                (start, range(singles[start], singles[end - 1] + 1))
                for start, end in zip([0, *breaks], ends, strict=True)
            ]
        return self._known_runs

    def _width(self, run: range) -> int:
        """Length of the longest lane of a run."""
        return max(self._cache.lengths[lane] for lane in run)

    def _run_mask(self, run: range, window: int | None, like: Tensor) -> Tensor:
        """Additive [B, 1, 1, W]."""
        key = (run.start, window, like.device, like.dtype)
        if key not in self._masks:
            widths = torch.tensor([self._cache.lengths[lane] for lane in run])[:, None]
            places = torch.arange(self._width(run))[None]
            is_seen = (places < widths) & (places >= widths - (window or self._width(run)))
            self._masks[key] = _additive(is_seen, like)[:, None, None]
        return self._masks[key]

    def _text_mask(self, text: Segment, num_folded: int, window: int | None, like: Tensor) -> Tensor:
        """Additive [1, 1, G * T, W]: a staircase for each of the G folded heads."""
        key = ("text", text.lane, num_folded, window, like.device, like.dtype)
        if key not in self._masks:
            width = text.start + text.num_tokens
            own, places = torch.arange(text.start, width)[:, None], torch.arange(width)[None]
            is_seen = (places <= own) & (places > own - (window or width))
            self._masks[key] = _additive(is_seen, like).repeat(num_folded, 1)[None, None]
        return self._masks[key]


def install() -> None:
    """Make the attention known to transformers under its name; again is fine."""
    AttentionInterface.register(LANE_ATTENTION, _lane_attention)
    AttentionMaskInterface.register(LANE_ATTENTION, sdpa_mask)


def _lane_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    lanes: LaneAttention | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    if lanes is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
    factor = scaling if scaling is not None else query.shape[-1] ** -0.5
    layer_idx: Any = module.layer_idx
    window, softcap = options.get("sliding_window"), options.get("softcap")
    return lanes.attend(layer_idx, query, factor, window, softcap), None


def _unflatten(values: Tensor, dim: int, first: int, second: int = -1) -> Tensor:
    """One dimension made two."""
    return values.reshape(*values.shape[:dim], first, second, *values.shape[dim + 1 :])


def _weights(scores: Tensor, mask: Tensor, softcap: float | None) -> Tensor:
    """Attention weights of scores [..., R, W] with an additive mask; sums are made in float32."""
    capped = scores if softcap is None else torch.tanh(scores / softcap) * softcap
    return (capped + mask).softmax(-1, dtype=torch.float32).to(scores.dtype)


def _additive(is_seen: Tensor, like: Tensor) -> Tensor:
    mask = torch.zeros(is_seen.shape, dtype=like.dtype).masked_fill(~is_seen, float("-inf"))
    return mask.to(like.device)
