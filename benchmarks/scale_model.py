"""A night as a simulation of discrete events: the driver, the board, object storage, decoders, encoders, narrators.

Knows no Ray and reads no clock. What it is told is what stages and the driver take, and how large cluster and catalogue
are (``scale_night``); what it says is how long the night takes and what held it up.

The driver reads, plans and hands out blocks; a decode task goes through a block video by video; encoders take what was
decoded first come, first served; a narrator has lanes, whose speed falls as more of them are taken; the driver and the
board hear of every video; at last the driver publishes. Of several shards, which are alike, one is simulated, with its
share of the machines and of what object storage takes.

Where a catalogue is large, what moves is a group of videos that follow each other, as in a lane or in a block.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from scale_night import Costs, Night, Outcome

from narrator_ray.pipeline import MAX_BLOCKS, VIDEOS_PER_LANE, videos_per_block

STAGES = 4
BLOCK_MB = 128
"""What a task of Ray Data makes before it hands on a block."""
LEAST_GROUPS, GROUPS_A_LANE = 60_000, 10
"""Groups of videos that are simulated one by one: so many at least, and so many for every lane."""
_WAITING = 3
"""Times what a narrator has in hand that may be on the way to it; assumed."""
_FILLED = 2
"""Times what its lanes hold that must be, so that they are full where groups are large."""
_MANY = 30
_LOOKED_AT = 8


class Clock:
    """What happens next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._num_events = 0

    def after(self, seconds: float, action: Callable[..., None], *arguments: Any) -> None:
        """Do something later."""
        self._num_events += 1
        heapq.heappush(self._events, (self.now + seconds, self._num_events, action, arguments))

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._events:
            self.now, _, action, arguments = heapq.heappop(self._events)
            action(*arguments)


class Servers:
    """Several that do one thing after another, first come, first served.

    Args:
        clock: Of the simulation.
        speeds: Of each of them.
    """

    def __init__(self, clock: Clock, speeds: list[float]) -> None:
        self.busy_s = 0.0
        self.num_servers = len(speeds)
        self._clock = clock
        self._free = deque(speeds)
        self._waiting: deque[tuple[float, Callable[..., None], tuple[Any, ...]]] = deque()

    def serve(self, seconds: float, then: Callable[..., None], *arguments: Any) -> None:
        """Take so many seconds of one of them, then go on."""
        self._waiting.append((seconds, then, arguments))
        self._next()

    def _next(self) -> None:
        while self._free and self._waiting:
            speed, (seconds, then, arguments) = self._free.popleft(), self._waiting.popleft()
            self.busy_s += seconds / speed
            self._clock.after(seconds / speed, self._done, speed, then, arguments)

    def _done(self, speed: float, then: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._free.append(speed)
        then(*arguments)
        self._next()


class Narrator:
    """Lanes that go on at the same pace, which falls as more of them are taken.

    Args:
        clock: Of the simulation.
        lanes: How many.
        full_s: Seconds of a video of length 1 with all lanes taken, times the number of lanes.
        lane_share: Share of that which one lane alone takes as well.
    """

    def __init__(self, clock: Clock, lanes: int, full_s: float, lane_share: float) -> None:
        self.load = 0
        self._clock = clock
        self._lanes = lanes
        self._alone_s = full_s * lane_share
        self._each_s = full_s * (1 - lane_share) / lanes
        self._done_at: list[tuple[float, int, Callable[..., None]]] = []
        self._waiting: deque[tuple[float, Callable[..., None]]] = deque()
        self._told = self._as_of = 0.0
        self._num_taken = self._turn = 0

    def narrate(self, length: float, then: Callable[..., None]) -> None:
        """Take a lane, or wait for one, for a video of that length."""
        self._go_on()
        self.load += 1
        self._waiting.append((length, then))
        self._fill()

    def _go_on(self) -> None:
        """What was told since the lanes last changed."""
        passed_s = self._clock.now - self._as_of
        self._as_of = self._clock.now
        if self._done_at:
            self._told += passed_s / self._pace_s

    @property
    def _pace_s(self) -> float:
        return self._alone_s + self._each_s * len(self._done_at)

    def _fill(self) -> None:
        while self._waiting and len(self._done_at) < self._lanes:
            length, then = self._waiting.popleft()
            self._num_taken += 1
            heapq.heappush(self._done_at, (self._told + length, self._num_taken, then))
        self._turn += 1
        if self._done_at:
            left = max(0.0, self._done_at[0][0] - self._told)
            self._clock.after(left * self._pace_s, self._end, self._turn)

    def _end(self, turn: int) -> None:
        """The first lane is done, unless lanes changed meanwhile."""
        if turn != self._turn:
            return
        self._go_on()
        _, _, then = heapq.heappop(self._done_at)
        self.load -= 1
        self._fill()
        then()


class Graph:
    """The middle of a night: from the first block handed out to the last video told.

    Args:
        night: One shard.
        costs: What it takes.
        num_shards: Shards that share object storage.
        most_groups: Groups that are simulated one by one; 0: as many as make no difference.
        seed: Of lengths and of who is slow.
    """

    def __init__(self, night: Night, costs: Costs, num_shards: int, most_groups: int = 0, seed: int = 0) -> None:
        self._random, self._costs, self._clock = random.Random(seed), costs, Clock()
        self._block = videos_per_block(night.config, night.num_videos)
        most_groups = most_groups or max(LEAST_GROUPS, GROUPS_A_LANE * night.num_gpus * night.lanes)
        self._group = max(1, math.ceil(night.num_videos / most_groups))
        self._batch = night.config.run.videos_per_task * self._group
        per_gpu = 1 / max(costs.narrate_s, costs.encode_s)
        cores = night.decode_cores or math.ceil(1.2 * night.num_gpus * per_gpu * (costs.decode_s + costs.fetch_s))
        full_s = costs.narrate_s * night.lanes
        self.driver, self.board = Servers(self._clock, [1.0]), Servers(self._clock, [1.0])
        self.puts, self.gets = Servers(self._clock, [1.0]), Servers(self._clock, [1.0])
        self.encoders = Servers(self._clock, [self._speed() for _ in range(night.num_gpus)])
        self.narrators = [
            Narrator(self._clock, night.lanes, full_s / self._speed(), costs.lane_share) for _ in range(night.num_gpus)
        ]
        self.decode_s, self.num_cores = 0.0, cores
        self._put_s, self._get_s = num_shards / costs.put_per_s, num_shards / costs.get_per_s
        self._free_cores = deque(self._speed() for _ in range(cores))
        self._blocks = deque(self._sizes(night.num_videos))
        self._paused: deque[tuple[float, int]] = deque()
        self._on_the_way = 0
        in_hand = max(_WAITING * VIDEOS_PER_LANE * night.lanes, _FILLED * night.lanes * self._group)
        self._most_on_the_way = math.ceil(in_hand * night.num_gpus)
        self.last_block_s = 0.0

    def run(self) -> float:
        """Until all is told; the seconds it took."""
        self._hand_out()
        self._clock.run()
        return self._clock.now

    def _speed(self) -> float:
        return 1 / self._costs.slow_factor if self._random.random() < self._costs.slow_share else 1.0

    def _sizes(self, num_videos: int) -> list[int]:
        """Videos of every block."""
        full, rest = divmod(num_videos, self._block)
        assert full <= MAX_BLOCKS
        return [self._block] * full + [rest] * (rest > 0)

    def _hand_out(self) -> None:
        """Blocks to cores, as long as there are both and not too much is on the way."""
        while self._blocks and self._free_cores and self._on_the_way < self._most_on_the_way:
            block, speed = self._blocks.popleft(), self._free_cores.popleft()
            num_tasks = 1 + (STAGES - 1) * math.ceil(block * self._costs.frames_mb / BLOCK_MB)
            self.driver.serve(num_tasks * self._costs.task_s, self._decode, speed, block)
        if not self._blocks:
            self.last_block_s = self.last_block_s or self._clock.now

    def _decode(self, speed: float, left: int) -> None:
        """The next videos of a block, on the core that has it."""
        if not left:
            self._free_cores.append(speed)
            self._hand_out()
        elif self._on_the_way >= self._most_on_the_way:
            self._paused.append((speed, left))
        else:
            num_videos = min(left, self._batch)
            lengths = self._lengths(num_videos)
            seconds = sum(lengths) * (self._costs.decode_s / speed + self._costs.fetch_s)
            self.decode_s += seconds
            self._clock.after(seconds, self._decoded, speed, left - num_videos, num_videos, lengths)

    def _decoded(self, speed: float, left: int, num_videos: int, lengths: list[float]) -> None:
        self._on_the_way += num_videos
        seconds = sum(lengths) * self._costs.encode_s
        self.gets.serve(3 * num_videos * self._get_s, self.encoders.serve, seconds, self._encoded, num_videos, lengths)
        self._decode(speed, left)

    def _lengths(self, num_videos: int) -> list[float]:
        """Of groups of videos, the sum for each; 1 is the mean of a video."""
        sigma = self._costs.length_sigma
        sizes = [self._group] * (num_videos // self._group)
        sizes += [num_videos - sum(sizes)] * (num_videos > sum(sizes))
        return [self._length(size, sigma) for size in sizes]

    def _length(self, size: int, sigma: float) -> float:
        """Of so many videos together; of many, as the sum of many is spread."""
        if size > _MANY:
            return max(0.0, self._random.gauss(size, math.sqrt(size * math.expm1(sigma**2))))
        return sum(self._random.lognormvariate(-(sigma**2) / 2, sigma) for _ in range(size))

    def _encoded(self, num_videos: int, lengths: list[float]) -> None:
        few = min(_LOOKED_AT, len(self.narrators))
        narrator = min(self._random.sample(self.narrators, few), key=lambda one: one.load)
        left = [len(lengths)]

        def told() -> None:
            left[0] -= 1
            if not left[0]:
                self.puts.serve(2 * num_videos * self._put_s, self._tell, num_videos)

        for length in lengths:
            narrator.narrate(length, told)

    def _tell(self, num_videos: int) -> None:
        """The board and the driver hear of it, and there is room for others."""
        self.board.serve(num_videos * self._costs.board_s, self._heard, num_videos)

    def _heard(self, num_videos: int) -> None:
        self.driver.serve(num_videos * self._costs.row_s, lambda: None)
        self._on_the_way -= num_videos
        while self._paused and self._on_the_way < self._most_on_the_way:
            self._decode(*self._paused.popleft())
        self._hand_out()


def simulate(night: Night, costs: Costs, most_groups: int = 0, seed: int = 0) -> Outcome:
    """What comes of a night in which everything is new."""
    shard = night.shard
    graph = Graph(shard, costs, night.num_shards, most_groups, seed)
    graph_s = graph.run()
    rows, all_rows = shard.num_videos, night.num_videos
    phases = {
        "reading": all_rows * costs.read_row_s,
        "planning": rows * max(costs.plan_row_s, costs.request_s / costs.plan_threads),
        "starting": costs.start_s,
        "graph": graph_s,
        "publishing": rows * max(costs.publish_row_s, costs.request_s / costs.publish_threads),
        "merging": all_rows * costs.merge_row_s if night.num_shards > 1 else 0.0,
    }
    busy = {
        "driver": graph.driver.busy_s / graph_s,
        "board": graph.board.busy_s / graph_s,
        "storage": max(graph.puts.busy_s, graph.gets.busy_s) / graph_s,
        "decoders": graph.decode_s / graph.num_cores / graph_s,
        "encoders": graph.encoders.busy_s / graph.encoders.num_servers / graph_s,
        "narrators": rows * costs.narrate_s / shard.num_gpus / graph_s,
    }
    return Outcome(
        seconds=sum(phases.values()),
        phases=phases,
        busy=busy,
        tail_s=graph_s - graph.last_block_s,
        memory_mb=costs.memory_mb + rows * costs.memory_row_bytes / 1e6,
        disk_gb=rows * costs.disk_row_bytes / 1e9,
        gpu_s=all_rows * max(costs.narrate_s, costs.encode_s),
        num_gpus=night.num_gpus,
        num_videos=all_rows,
    )


def unchanged_night(night: Night, costs: Costs) -> dict[str, float]:
    """Seconds of a night that finds everything done: every shard lists all objects and reads all rows."""
    rows, all_rows = night.shard.num_videos, night.num_videos
    return {
        "reading": all_rows * costs.read_row_s,
        "listing": 2 * all_rows / costs.list_keys * costs.list_s,
        "planning": rows * max(costs.plan_row_s, costs.request_s / costs.plan_threads),
        "publishing": rows * max(costs.publish_row_s, costs.request_s / costs.publish_threads),
        "merging": all_rows * costs.merge_row_s if night.num_shards > 1 else 0.0,
    }
