"""A night to be simulated: what everything costs, what is to be done with what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from narrator_ray.config import Config

DEFAULTS = Config()
_MUCH = 0.2
"""Share of a graph that is idle enough to ask whether its tail is why."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds, rates and bytes. Measured ones: benchmarks/README.md says where; ``assumed`` ones are nobody's figures.

    Attributes:
        read_row_s: Driver, to read and check a row of the manifest; every shard reads all of them.
        plan_row_s: Driver, to plan a row.
        request_s: From a request of object storage to its answer; assumed.
        plan_threads: Requests for versions of files under way at once.
        list_s: From a listing to the next; assumed.
        list_keys: Keys of one listing.
        task_s: Driver, for a task of Ray.
        row_s: Driver, for what came of a row, and to put it in a block.
        board_s: Board, for a video.
        start_s: Until the first replicas are ready.
        publish_row_s: Driver, to publish a video.
        publish_threads: Requests for results under way at once.
        merge_row_s: To append a video of a shard to the published tables.
        decode_s: Core, for a video.
        fetch_s: To fetch a film, while its core waits; assumed.
        encode_s: Encoder, for a video; assumed for a GPU.
        narrate_s: Narrator with all lanes taken, for a video; assumed for a GPU.
        lane_share: Of a step with all lanes taken, the share that one lane alone takes as well.
        length_sigma: Spread of lengths: of the logarithm, whose mean leaves the mean length at 1; assumed.
        slow_share: Machines that are slow; assumed.
        slow_factor: How slow those are; assumed.
        frames_mb: Frames of a video on the way to an encoder.
        put_per_s: Objects that storage takes, all prefixes together; assumed: 3,500 a prefix, 8 prefixes.
        get_per_s: Objects that storage gives; assumed: 5,500 a prefix, 8 prefixes.
        memory_mb: Driver, before it knows of a row.
        memory_row_bytes: Driver, for a row of its own.
        disk_row_bytes: Disk of the head, for a row of its own: catalogue, plan and blocks.
    """

    read_row_s: float = 1 / 33_800
    plan_row_s: float = 1 / 11_300
    request_s: float = 0.03
    plan_threads: int = 32
    list_s: float = 0.1
    list_keys: int = 1000
    task_s: float = 0.005
    row_s: float = 0.0015
    board_s: float = 0.007
    start_s: float = 38.0
    publish_row_s: float = 1 / 4_800
    publish_threads: int = 16
    merge_row_s: float = 1 / 150_000
    decode_s: float = 0.56
    fetch_s: float = 0.1
    encode_s: float = 0.05
    narrate_s: float = 0.2
    lane_share: float = 0.3
    length_sigma: float = 0.6
    slow_share: float = 0.02
    slow_factor: float = 3.0
    frames_mb: float = 3.6
    put_per_s: float = 28_000.0
    get_per_s: float = 44_000.0
    memory_mb: float = 534.0
    memory_row_bytes: float = 190.0
    disk_row_bytes: float = 3_500.0


@dataclass(frozen=True, slots=True)
class Night:
    """What is to be done, and with what.

    Attributes:
        num_videos: Rows of the manifest, all to be done.
        num_gpus: GPUs, each with an encoder and a narrator.
        num_shards: Runs that share them out.
        decode_cores: Cores that decode; 0: a fifth more than keep all GPUs busy.
        lanes: Of a narrator.
        config: Settings that say how large a block is.
    """

    num_videos: int
    num_gpus: int
    num_shards: int = 1
    decode_cores: int = 0
    lanes: int = 32
    config: Config = DEFAULTS

    @property
    def shard(self) -> Night:
        """One shard of it."""
        counts = {name: getattr(self, name) for name in ("num_videos", "num_gpus", "decode_cores")}
        shares = {name: max(min(1, count), round(count / self.num_shards)) for name, count in counts.items()}
        return replace(self, **shares)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a night.

    Attributes:
        seconds: From its start to publication.
        phases: Seconds of reading, planning, starting, the graph, publishing, merging.
        busy: What the driver, the board, storage, decoders, encoders, narrators did in the graph, as a share of what
            they could do.
        tail_s: From when no block was left to be handed out to the end of the graph.
        memory_mb: Of a driver.
        disk_gb: Of a head.
        gpu_s: Seconds of a GPU, with its narrator's lanes all taken, that the videos need.
        num_gpus: GPUs.
        num_videos: Videos.
    """

    seconds: float
    phases: dict[str, float]
    busy: dict[str, float]
    tail_s: float
    memory_mb: float
    disk_gb: float
    gpu_s: float
    num_gpus: int
    num_videos: int

    @property
    def videos_per_s(self) -> float:
        """Throughput of the whole night."""
        return self.num_videos / self.seconds

    @property
    def efficiency(self) -> float:
        """Share of the GPU-seconds that were there which the videos needed."""
        return self.gpu_s / (self.num_gpus * self.seconds)

    @property
    def bottleneck(self) -> str:
        """The phase that took longest; of the graph, what was busiest, or its tail where that made more idle."""
        phase = max(self.phases, key=lambda name: self.phases[name])
        if phase != "graph":
            return phase
        idle = 1 - self.busy[self.busiest]
        return "tail" if idle > _MUCH and self.tail_s > idle / 2 * self.phases["graph"] else self.busiest

    @property
    def busiest(self) -> str:
        """What was busy for most of the graph."""
        return max(self.busy, key=lambda name: self.busy[name])
