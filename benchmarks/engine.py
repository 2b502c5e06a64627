"""The narration engine beside the schedule of the paper's released code, and beside what the machine could do at best.

Run: python benchmarks/engine.py [--videos 64] [--lanes 64] [--threads 2]

Both narrate storefront films with preset nano, in turn in one process: ours all of them side by side, the released
schedule a few of them one by one, generating exactly as many tokens as ours wrote. The released schedule runs in
float32, the precision in which such a model comes to a CPU, and once more in the precision that ours chooses: the
first is what a user would have without this engine, the second tells schedule and precision apart.

The floor of a step is the time of the bare linear layers at as many rows, in bfloat16 where the CPU has it, plus
reading keys and values once at the measured memory bandwidth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from released_schedule import ReleasedSchedule
from storefront_jobs import storefront_jobs
from torch.nn.functional import linear

from narrator_ray.config import DecodingSettings
from narrator_ray.model.load_options import LoadOptions
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.model.vision_encoder import VisionEncoder, load_vision_encoder
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.lane_memory import bytes_per_token
from narrator_ray.narration.lane_reader import LaneReader
from narrator_ray.narration.read_request import Read

CONTEXT_TOKENS, SHARE_LANES = 600, 32
RELEASED_VIDEOS = 4
ROUNDS = 2
STORY_LENGTHS, GROWTH_LANES = (5, 20, 60), 4
GIB = 2**30


def main() -> None:
    """Print the tables; the last two lines are the speed-up and the share of the limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=64)
    parser.add_argument("--lanes", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = prepare_model(find_preset("nano"))
    print(f"drawing and encoding {options.videos} films of 5 to 9 clips", flush=True)
    encoder = load_vision_encoder(model)
    jobs = storefront_jobs(encoder, [5 + number % 5 for number in range(options.videos)])
    narrator = VideoNarrator.load(model.path, **LoadOptions("auto").keywords("cpu"))
    speed_up = compare_schedules(narrator, VideoNarrator.load(model.path), jobs, options.lanes)
    show_growth(narrator, encoder)
    share = compare_with_floor(narrator)
    print(f"speed-up: {speed_up:.1f}")
    print(f"share of limit: {100 * share:.0f} %")


def compare_schedules(narrator: VideoNarrator, exact: VideoNarrator, jobs: Sequence[NarrationJob], lanes: int) -> float:
    """How many times as many clips a second ours gives, measured in turn."""
    best = {"ours": 0.0, "released": 0.0, "released in our precision": 0.0}
    print(f"\n{'schedule':<26}{'clips':>7}{'seconds':>9}{'clips/s':>9}{'tokens read':>13}{'per clip':>10}")
    for _ in range(ROUNDS):
        engine = NarrationEngine(narrator, DecodingSettings(), lanes)  # one that remembers no prompt
        results: list[ClipResult] = []
        seconds = timed(lambda: results.extend(event for event in engine.narrate(jobs) if is_result(event)))
        row("ours", len(results), seconds, engine.reader.num_read, best)
        by_job = [[result for result in results if result.job_id == job.job_id] for job in jobs[:RELEASED_VIDEOS]]
        for name, model in (("released", exact), ("released in our precision", narrator)):
            released = ReleasedSchedule(model)
            seconds = timed(lambda it=released: [it.narrate(job, own) for job, own in zip(jobs, by_job, strict=False)])
            row(name, released.work.clips, seconds, released.work.prompt_tokens + released.work.new_tokens, best)
    print(f"against the released schedule in our precision: {best['ours'] / best['released in our precision']:.1f}")
    return best["ours"] / best["released"]


def show_growth(narrator: VideoNarrator, encoder: VisionEncoder) -> None:
    """Seconds a clip for stories of growing length, as many clips side by side."""
    print(f"\n{'clips a story':>13}{'stories':>9}{'clips':>7}{'s/clip':>8}{'tokens read per clip':>22}")
    for num_clips in STORY_LENGTHS:
        jobs = storefront_jobs(encoder, [num_clips] * GROWTH_LANES)
        engine = NarrationEngine(narrator, DecodingSettings(), GROWTH_LANES)
        results: list[ClipResult] = []
        seconds = timed(lambda: results.extend(event for event in engine.narrate(jobs) if is_result(event)))
        count = len(results)
        read = engine.reader.num_read / count
        print(f"{num_clips:>13}{len(jobs):>9}{count:>7}{seconds / count:>8.3f}{read:>22.0f}", flush=True)


def is_result(event: object) -> bool:
    """Whether a clip was narrated."""
    return isinstance(event, ClipResult)


def row(name: str, clips: int, seconds: float, num_read: int, best: dict[str, float]) -> None:
    """Print one measurement and remember the best."""
    best[name] = max(best[name], clips / seconds)
    values = f"{clips:>7}{seconds:>9.1f}{clips / seconds:>9.2f}{num_read:>13}{num_read / clips:>10.0f}"
    print(f"{name:<26}{values}", flush=True)


def compare_with_floor(narrator: VideoNarrator) -> float:
    """Milliseconds of a decoding step and of its floor, for growing numbers of lanes; the share at a usual number."""
    bandwidth = memory_bandwidth()
    share = 0.0
    print(f"\n{CONTEXT_TOKENS} tokens in every lane; memory reads {bandwidth / GIB:.0f} GiB/s")
    print(f"{'lanes':>5}{'step ms':>9}{'floor ms':>10}{'share':>7}{'tokens/s':>10}")
    for number in (1, 8, 16, SHARE_LANES, 64):
        step_s = decoding_step(narrator, number)
        cache_bytes = number * CONTEXT_TOKENS * bytes_per_token(narrator.llm.config, torch.float32)
        floor_s = bare_products(narrator, number) + cache_bytes / bandwidth
        print(f"{number:>5}{1e3 * step_s:>9.1f}{1e3 * floor_s:>10.1f}{floor_s / step_s:>7.0%}{number / step_s:>10.0f}")
        share = floor_s / step_s if number == SHARE_LANES else share
    return share


@torch.inference_mode()
def decoding_step(narrator: VideoNarrator, lanes: int) -> float:
    """Seconds of one token in every lane."""
    reader = LaneReader(narrator, lanes)
    for lane in range(lanes):
        reader.read({lane: Read(tuple(range(100, 100 + CONTEXT_TOKENS)))})
    return fastest(lambda: reader.read({lane: Read((5,)) for lane in range(lanes)}))


@torch.inference_mode()
def bare_products(narrator: VideoNarrator, rows: int) -> float:
    """Seconds of all linear layers of a step, nothing between them."""
    weights = [
        tensor for name, tensor in narrator.llm.state_dict().items() if tensor.ndim == 2 and "embed_tokens" not in name
    ]
    inputs = {tensor.shape[1]: torch.randn(rows, tensor.shape[1], dtype=tensor.dtype) for tensor in weights}
    return fastest(lambda: [linear(inputs[tensor.shape[1]], tensor) for tensor in weights])


def memory_bandwidth() -> float:
    """Bytes a second that all threads read together."""
    block = torch.ones(GIB // 4)
    return GIB / fastest(lambda: block.sum())


def fastest(action: Callable[[], object], repeats: int = 7) -> float:
    """Seconds of the fastest of some repeats."""
    action()
    return min(timed(action) for _ in range(repeats))


def timed(action: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
