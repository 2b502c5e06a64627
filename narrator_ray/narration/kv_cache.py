"""Keys and values of several independent token sequences ("lanes") in one pre-allocated block per layer.

Whatever the lanes want to read next, a prompt here, one token there, is read in one call of the model: the tokens lie
behind each other in one row (:class:`Reading` says which are whose), so no padding is computed. A lane can be cut
back to any earlier length, which is how the text of a prompt is kept while its visual tokens are dropped, and its
beginning can be copied from a lane that has read the same. Handed to transformers in place of its own cache. Knows
nothing of attention (``narration.lane_attention``), texts or models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_LEAST_CAPACITY = 1024
_GROWTH_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class Segment:
    """A text of several tokens that one lane reads.

    Attributes:
        lane: Whose.
        row: Where it begins in the packed row.
        start: Length of the lane before it.
        num_tokens: T.
    """

    lane: int
    row: int
    start: int
    num_tokens: int


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """What is read in one call: first the lanes that read one token, then the texts.

    Attributes:
        lanes: All lanes, in the order in which their tokens lie in the packed row.
        singles: Lanes that read one token, B of them in rising order, at rows 0 to B - 1.
        places: Where in its lane each single token goes, [B].
        texts: The longer texts.
        positions: Position of every token in its lane, [1, N].
        rows: Where each lane's tokens begin in the packed row.
    """

    lanes: tuple[int, ...]
    singles: tuple[int, ...]
    places: Tensor
    texts: tuple[Segment, ...]
    positions: Tensor
    rows: Mapping[int, int]


class LaneCache:
    """Keys and values of every layer, both [lanes, heads, capacity, head size]. Allocated when the first tokens arrive.

    Args:
        num_lanes: Most sequences at once.
        num_layers: Layers of the model.

    Attributes:
        lengths: Tokens of each lane.
    """

    def __init__(self, num_lanes: int, num_layers: int) -> None:
        self.lengths = [0] * num_lanes
        self._num_lanes = num_lanes
        self._num_layers = num_layers
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._reading: Reading | None = None
        self._spots: Tensor | None = None
        self._width = 0

    @property
    def reading(self) -> Reading:
        """What is being read."""
        if self._reading is None:
            raise RuntimeError("nothing is being read: call begin first")
        return self._reading

    def begin(self, num_tokens: Mapping[int, int]) -> Reading:
        """Make ready to add tokens to lanes.

        Args:
            num_tokens: How many tokens each lane reads, at least one. The packed row must hold them in the order of
                the result's ``lanes``.
        """
        singles = tuple(sorted(lane for lane, count in num_tokens.items() if count == 1))
        texts, row = [], len(singles)
        for lane, count in num_tokens.items():
            if count > 1:
                texts.append(Segment(lane, row, self.lengths[lane], count))
                row += count
        starts = torch.tensor([self.lengths[lane] for lane in singles], dtype=torch.long)
        spans = [torch.arange(text.start, text.start + text.num_tokens) for text in texts]
        self._reading = Reading(
            lanes=(*singles, *(text.lane for text in texts)),
            singles=singles,
            places=starts,
            texts=tuple(texts),
            positions=torch.cat([starts, *spans])[None],
            rows={lane: row for row, lane in enumerate(singles)} | {text.lane: text.row for text in texts},
        )
        for lane, count in num_tokens.items():
            self.lengths[lane] += count
        self._width = max(self.lengths)
        self._spots = None
        return self._reading

    def block(self, layer_idx: int) -> tuple[Tensor, Tensor]:
        """All keys and all values of a layer, both [lanes, heads, capacity, head size]."""
        return self._keys[layer_idx], self._values[layer_idx]

    def cut(self, lane: int, length: int) -> None:
        """Forget everything of a lane after its first tokens."""
        self.lengths[lane] = min(self.lengths[lane], length)

    def clear(self, lane: int, keep: int = 0) -> None:
        """Empty a lane for another text, but for its first tokens.

        What goes becomes zeros, because a masked number counts for nothing but a masked NaN spreads.
        """
        for keys, values in zip(self._keys, self._values, strict=True):
            keys[lane, :, keep : self.lengths[lane]].zero_()
            values[lane, :, keep : self.lengths[lane]].zero_()
        self.cut(lane, keep)

    def copy(self, source: int, target: int, length: int) -> None:
        """Make the beginning of a lane that of another."""
        for keys, values in zip(self._keys, self._values, strict=True):
            keys[target, :, :length] = keys[source, :, :length]
            values[target, :, :length] = values[source, :, :length]
        self.lengths[target] = length

    def update(self, keys: Tensor, values: Tensor, layer_idx: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write a layer's new keys and values where they belong. Called by the model.

        Args:
            keys: [1, heads, N, head size], packed as the reading says.
            values: The same.
            layer_idx: Which layer.

        Returns:
            The arguments: attention looks into the blocks itself.
        """
        self._make_room(keys, layer_idx)
        reading = self.reading
        num_singles = len(reading.singles)
        for block, new in zip(self.block(layer_idx), (keys[0], values[0]), strict=True):
            if num_singles:
                rows_VD = block.view(-1, block.shape[-1])
                rows_VD.index_copy_(0, self._spots_of(block), new[:, :num_singles].flatten(0, 1))
            for text in reading.texts:
                spot = slice(text.start, text.start + text.num_tokens)
                block[text.lane, :, spot] = new[:, text.row : text.row + text.num_tokens]
        return keys, values

    def _spots_of(self, block: Tensor) -> Tensor:
        """Which rows of a flat block the single tokens are, head by head; the same for all layers of a reading."""
        if self._spots is None:
            _, num_heads, capacity, _ = block.shape
            heads_H1 = torch.arange(num_heads)[:, None]
            spots_HB = (torch.tensor(self.reading.singles) * num_heads + heads_H1) * capacity + self.reading.places
            self._spots = spots_HB.flatten().to(block.device)
        return self._spots

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Length of the longest lane; asked by the model."""
        return self._width

    def _make_room(self, like: Tensor, layer_idx: int) -> None:
        num_heads, head_size = like.shape[1], like.shape[3]
        for blocks in (self._keys, self._values):
            while len(blocks) < self._num_layers:
                blocks.append(like.new_zeros(self._num_lanes, num_heads, 0, head_size))
            capacity = blocks[layer_idx].shape[2]
            if capacity < self._width:
                wanted = max(self._width, int(capacity * _GROWTH_FACTOR), _LEAST_CAPACITY)
                grown = like.new_zeros(self._num_lanes, num_heads, wanted, head_size)
                grown[:, :, :capacity] = blocks[layer_idx]
                blocks[layer_idx] = grown
