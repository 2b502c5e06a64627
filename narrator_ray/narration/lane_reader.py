"""Reads what lanes want in one call of the model, and nothing that a lane has read already.

Prompts begin alike: with the same instruction, and for one product with the same knowledge. The beginning that another
lane has read with the same adapter, or the last text in this place, is copied instead of read. Knows no stories.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.narration import lane_attention
from narrator_ray.narration.kv_cache import LaneCache, Reading
from narrator_ray.narration.lane_attention import LANE_ATTENTION, LaneAttention
from narrator_ray.narration.read_request import Read, num_equal

FloatArray = npt.NDArray[np.float32]


class LaneReader:
    """A model and the lanes that read with it.

    Args:
        narrator: The model; its attention is replaced by one that knows lanes. Read without lanes, it is then sdpa.
        num_lanes: Most documents at once.

    Attributes:
        num_lanes: As given.
        num_read: Tokens that went through the model.
        num_shared: Tokens that did not have to, because they were copied.
    """

    def __init__(self, narrator: VideoNarrator, num_lanes: int) -> None:
        lane_attention.install()
        narrator.llm.set_attn_implementation(LANE_ATTENTION)
        self._narrator = narrator
        self._cache = LaneCache(num_lanes, narrator.llm.config.num_hidden_layers)
        self._beginnings: list[tuple[int, ...]] = [()] * num_lanes
        self._adapters: list[str | None] = [None] * num_lanes
        self.num_lanes = num_lanes
        self.num_read = 0
        self.num_shared = 0
        self._counts = [(0, 0)] * num_lanes

    def forget(self, lane: int) -> None:
        """A document has ended; what others may share of it stays until the next takes its place."""
        self._cache.clear(lane, len(self._beginnings[lane]))
        self._counts[lane] = (0, 0)

    def take_counts(self, lane: int) -> tuple[int, int]:
        """Tokens that a lane has read and shared since this was last asked, or since its document began."""
        counts, self._counts[lane] = self._counts[lane], (0, 0)
        return counts

    def read(self, wanted: Mapping[int, Read]) -> Mapping[int, FloatArray]:
        """Scores of the token after each place where a lane wants them, [K, V]."""
        unread = {lane: self._unread(lane, request) for lane, request in wanted.items()}
        reading = self._cache.begin({lane: len(ids) for lane, ids in unread.items()})
        self.num_read += reading.positions.shape[1]
        self._count(wanted, unread)
        ids = torch.tensor([token for lane in reading.lanes for token in unread[lane]])
        visual = [found for lane in reading.lanes if (found := wanted[lane].visual) is not None]
        places = {
            lane: [reading.rows[lane] + len(unread[lane]) - len(wanted[lane].ids) + at for at in _places(wanted[lane])]
            for lane in reading.lanes
        }
        device = self._narrator.device
        with self._narrator.adapters.select(self._rows_by_adapter(wanted, unread, reading)):
            output = self._narrator(
                self._narrator.embed(ids, visual)[None],
                torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device),  # ready-made, so that the model makes none
                position_ids=reading.positions.to(device),
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=torch.tensor([row for rows in places.values() for row in rows], device=device),
                lanes=LaneAttention(self._cache),
            )
        for lane, request in wanted.items():
            if request.num_shareable:
                self._beginnings[lane] = request.ids[: request.num_shareable]
        logits_RV: FloatArray = output.logits[0].float().cpu().numpy()
        ends = np.cumsum([len(rows) for rows in places.values()])
        return dict(zip(places, np.split(logits_RV, ends[:-1]), strict=True))

    def _unread(self, lane: int, request: Read) -> tuple[int, ...]:
        """The tokens of a request that have to go through the model."""
        if request.keep is not None:
            self._cache.cut(lane, request.keep)
        if not request.num_shareable:
            return request.ids
        shared = self._share(lane, request.ids[: request.num_shareable], request.adapter)
        self.num_shared += shared
        return request.ids[shared:]

    def _count(self, wanted: Mapping[int, Read], unread: Mapping[int, tuple[int, ...]]) -> None:
        for lane, ids in unread.items():
            num_read, num_shared = self._counts[lane]
            self._counts[lane] = num_read + len(ids), num_shared + len(wanted[lane].ids) - len(ids)

    def _rows_by_adapter(
        self, wanted: Mapping[int, Read], unread: Mapping[int, tuple[int, ...]], reading: Reading
    ) -> dict[str, torch.Tensor]:
        """Rows of the packed call that go through an adapter."""
        rows: dict[str, list[int]] = {}
        for lane, request in wanted.items():
            if request.adapter is not None:
                start = reading.rows[lane]
                rows.setdefault(request.adapter, []).extend(range(start, start + len(unread[lane])))
        return {name: torch.tensor(own, device=self._narrator.device) for name, own in rows.items()}

    def _share(self, lane: int, beginning: tuple[int, ...], adapter: str | None) -> int:
        """Put as much of a beginning into a lane as some lane has read with the adapter, and say how much."""
        known = [
            num_equal(beginning, other) if its_adapter == adapter else 0
            for other, its_adapter in zip(self._beginnings, self._adapters, strict=True)
        ]
        source = max(range(len(known)), key=lambda other: (known[other], other == lane))
        if source == lane:
            self._cache.clear(lane, known[lane])
        else:
            self._cache.clear(lane)
            self._cache.copy(source, lane, known[source])
        self._beginnings[lane], self._adapters[lane] = beginning[: known[source]], adapter
        return known[source]


def _places(request: Read) -> list[int]:
    """Where scores are wanted, counted from the first token of the request."""
    return [at % len(request.ids) for at in request.score_at]
