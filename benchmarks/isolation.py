"""What decoding in a child process costs, and whether a decoder's process grows.

Run: python benchmarks/isolation.py [--films 12] [--decodes 500]  (or make bench-isolation)

Storefront films are split and sampled in turn in this process and in a child, round after round. Then one film after
the other is decoded in a child until it has served so many, and its resident memory is looked at on the way.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from narrator_ray.config import ClipSettings, DecodeSettings, FrameSettings
from narrator_ray.demo.film import draw_video
from narrator_ray.demo.storyboard import make_storyboard
from narrator_ray.video.child_process import resident_bytes
from narrator_ray.video.frames import sample_frames
from narrator_ray.video.guarded_decoder import GuardedDecoder
from narrator_ray.video.split import split_video

ROUNDS = 5
SIDE_PX, FPS = 224, 1.0
SETTINGS = ClipSettings(), FrameSettings()
LOOKS = 7


def here(path: Path) -> None:
    """Split and sample in this process."""
    info, clips = split_video(path, None, *SETTINGS)
    sample_frames(path, info, clips, FPS, SIDE_PX)


def apart(decoder: GuardedDecoder, path: Path) -> None:
    """The same in a child."""
    info, clips = decoder.split(path, None, *SETTINGS)
    decoder.sample(path, info, clips, FPS, SIDE_PX)


def timed(action: Callable[[Path], None], films: list[Path]) -> float:
    """Seconds for all films."""
    started = time.perf_counter()
    for film in films:
        action(film)
    return time.perf_counter() - started


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=int, default=12)
    parser.add_argument("--decodes", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        films = [Path(folder) / f"{seed}.mp4" for seed in range(options.films)]
        for seed, film in enumerate(films):
            draw_video(film, make_storyboard(seed))
        compare(films)
        watch_memory(films, options.decodes)


def compare(films: list[Path]) -> None:
    """Seconds of both, in turn."""
    decoder = GuardedDecoder(DecodeSettings())
    started = time.perf_counter()
    decoder.split(films[0], None, *SETTINGS)
    print(f"first video of a child: {time.perf_counter() - started:.2f} s, its start included")
    here(films[0])
    apart(decoder, films[0])
    ratios = []
    print(f"\n{'round':>5}{'here s':>9}{'child s':>9}{'ratio':>7}")
    for number in range(ROUNDS):
        here_s, apart_s = timed(here, films), timed(lambda film: apart(decoder, film), films)
        ratios.append(apart_s / here_s)
        print(f"{number + 1:>5}{here_s:>9.2f}{apart_s:>9.2f}{ratios[-1]:>7.3f}", flush=True)
    decoder.close()
    print(f"cost of the child: {statistics.median(ratios) - 1:+.1%}")


def watch_memory(films: list[Path], num_decodes: int) -> None:
    """Resident memory of a child that is never replaced, and of one that is."""
    print(f"\n{'decodes':>7}{'never replaced':>16}{'replaced':>10}   MiB resident")
    usual = DecodeSettings()
    kept, replaced = (
        GuardedDecoder(settings)
        for settings in (usual.model_copy(update={"recycle_after_steps": 2 * num_decodes + 1}), usual)
    )
    for number in range(1, num_decodes + 1):
        for decoder in (kept, replaced):
            apart(decoder, films[number % len(films)])
        if number % (num_decodes // LOOKS) == 0 or number == 1:
            sizes = [resident_bytes(decoder.pid or 0) >> 20 for decoder in (kept, replaced)]
            print(f"{number:>7}{sizes[0]:>16}{sizes[1]:>10}", flush=True)
    kept.close()
    replaced.close()


if __name__ == "__main__":
    main()
