"""Keys and values of several independent token sequences ("lanes") in one pre-allocated block per layer.

A lane can be cut back to any earlier length, which is how the text of a prompt is kept while its visual tokens are
dropped. Handed to transformers in place of its own cache; nothing is concatenated or copied from step to step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_GROWTH = 256


class LaneCache:
    """Keys and values, per layer [lanes, heads, capacity, head size]; allocated when the first tokens arrive.

    Args:
        num_lanes: Most sequences at once.
        num_layers: Layers of the model.

    Attributes:
        lengths: Tokens of each lane.
    """

    def __init__(self, num_lanes: int, num_layers: int) -> None:
        self.lengths = [0] * num_lanes
        self._num_lanes = num_lanes
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._num_layers = num_layers
        self._capacity = 0
        self._rows = slice(0, 0)
        self._places: Tensor = torch.zeros(0, dtype=torch.long)
        self._width = 0

    def begin_text(self, lane: int, num_tokens: int) -> tuple[Tensor, Tensor]:
        """Make ready to add several tokens to one lane.

        Returns:
            Their positions [1, T] and the attention mask [1, 1, T, W].
        """
        start = self.lengths[lane]
        self._rows, self._width = slice(lane, lane + 1), start + num_tokens
        self._places = torch.arange(start, self._width)
        mask = torch.arange(self._width)[None, :] <= self._places[:, None]
        self.lengths[lane] = self._width
        return self._places[None], mask[None, None]

    def begin_step(self, lanes: int, adding: list[int]) -> tuple[Tensor, Tensor]:
        """Make ready to run one token in each of the first lanes.

        Args:
            lanes: How many lanes run. Those that are not in ``adding`` run idle: what they write is overwritten later.
            adding: Lanes whose token counts.

        Returns:
            Positions [B, 1] and the attention mask [B, 1, 1, W].
        """
        self._rows = slice(0, lanes)
        self._places = torch.tensor(self.lengths[:lanes])
        self._width = int(self._places.max()) + 1
        mask = torch.arange(self._width)[None, :] <= self._places[:, None]
        for lane in adding:
            self.lengths[lane] += 1
        return self._places[:, None], mask[:, None, None]

    def cut(self, lane: int, length: int) -> None:
        """Forget everything of a lane after its first tokens."""
        self.lengths[lane] = min(self.lengths[lane], length)

    def clear(self, lane: int) -> None:
        """Empty a lane for another text. Zeros, because a masked number counts for nothing but a masked NaN spreads."""
        for block in (*self._keys, *self._values):
            block[lane].zero_()
        self.lengths[lane] = 0

    def move(self, source: int, target: int) -> None:
        """Put a lane in another's place."""
        length = self.lengths[source]
        for block in (*self._keys, *self._values):
            block[target, :, :length] = block[source, :, :length]
        self.lengths[target] = length

    def update(self, keys: Tensor, values: Tensor, layer_idx: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write a layer's new keys and values, and give all it may look at. Called by the model.

        Args:
            keys: [B, heads, T, head size].
            values: The same.
            layer_idx: Which layer.
        """
        self._make_room(keys, layer_idx)
        block_keys, block_values = self._keys[layer_idx][self._rows], self._values[layer_idx][self._rows]
        if keys.shape[2] == 1:
            rows = torch.arange(keys.shape[0], device=keys.device)
            places = self._places.to(keys.device)
            block_keys[rows, :, places] = keys[:, :, 0]
            block_values[rows, :, places] = values[:, :, 0]
        else:
            start = self._width - keys.shape[2]
            block_keys[:, :, start : self._width] = keys
            block_values[:, :, start : self._width] = values
        return block_keys[:, :, : self._width], block_values[:, :, : self._width]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Tokens that the current call looks at; asked by the model."""
        return self._width

    def _make_room(self, like: Tensor, layer_idx: int) -> None:
        while len(self._keys) < self._num_layers:
            shape = (self._num_lanes, like.shape[1], 0, like.shape[3])
            self._keys.append(like.new_zeros(shape))
            self._values.append(like.new_zeros(shape))
        missing = self._width - self._keys[layer_idx].shape[2]
        if missing > 0:
            more = -(-missing // _GROWTH) * _GROWTH
            for blocks in (self._keys, self._values):
                shape = (*blocks[layer_idx].shape[:2], more, blocks[layer_idx].shape[3])
                blocks[layer_idx] = torch.cat([blocks[layer_idx], like.new_zeros(shape)], dim=2)
