"""What packing a video's samples into one sequence saves: tokens and operations of one pass through the language model.

Run: python benchmarks/training_packing.py

Counts, no times. The videos are E-SyncVidStory's test split where it lies in ../shared (300 videos), else made-up ones
of its mean shape; those of exactly seven clips are shown apart. The operations are Baichuan-7B's. Two things are not
known here and are bracketed: how many tokens a Chinese character takes, and how many frames compression leaves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from narrator_ray.model.context import ClipContext
from narrator_ray.narration.prompt import END, PATCH, START, prompt_form
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.records import KnowledgePoint, Product, parse_label
from narrator_ray.training.examples import VideoExample, clip_example, sample_of
from narrator_ray.training.packing import ModelShape, forward_flops, pack

DATA = Path(__file__).parents[2] / "shared" / "data" / "esyncvidstory" / "test_first300.json"
BAICHUAN = ModelShape(num_weights=32 * (4 * 4096**2 + 3 * 4096 * 11008) + 4096 * 64000, width=4096, num_layers=32)
QUERIES = 32
NUMBERED = re.compile(r"字数要求：(-?\d+)-(\d+)个字\n剧本类型：(.*)\n\d+\.(.*)")
SPECIAL = [PATCH, START, END]


class CountingTokenizer:
    """So many tokens a character, and one for each special token; the ids mean nothing."""

    bos_token_id = None

    def __init__(self, tokens_per_character: float) -> None:
        self._rate = tokens_per_character

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Zeros."""
        return [0] * max(1, round(len(text) * self._rate)) if text else []

    def convert_tokens_to_ids(self, tokens: list[str]) -> list[int]:
        """Places among the special tokens, from one."""
        return [1 + SPECIAL.index(token) for token in tokens]


@dataclass(frozen=True)
class Shape:
    """What of a video decides its lengths: text before the clips, and window, labels, text and frames of each clip."""

    product: Product
    clips: tuple[tuple[tuple[int, int], str, str, int], ...]


def videos() -> Iterator[Shape]:
    """The data set's, or 50 of its mean shape."""
    if not DATA.is_file():
        mean = ((24, 30), "产品功效", "这" * 27, 6)
        yield from (Shape(Product("杯" * 25, (KnowledgePoint("功效", "温" * 350),)), (mean,) * 7) for _ in range(50))
        return
    for entry in json.loads(DATA.read_text(encoding="utf-8")):
        clips = NUMBERED.findall(entry["inputs"])
        points = tuple(KnowledgePoint(*line.split("：", 1)) for line in entry["p_info"].splitlines() if "：" in line)
        name = entry["inputs"].split("\n")[1].removeprefix("名称：")
        frames = [len(images) for images in entry["images"]]
        yield Shape(
            Product(name, points),
            tuple(
                ((int(low), int(high)), labels, text, count)
                for (low, high, labels, text), count in zip(clips, frames, strict=True)
            ),
        )


def example(shape: Shape, tokens: StoryTokens, kept_fraction: float) -> VideoExample:
    """The video in tokens."""
    clips = []
    for index, (window, names, text, num_frames) in enumerate(shape.clips):
        seen = max(1, round(num_frames * kept_fraction)) + (index > 0)
        context = ClipContext(np.zeros((QUERIES * seen, 0), np.float16), 0, ())
        labels = [label for name in names.split("+") if (label := parse_label(name))]
        clips.append(clip_example(tokens, index, len(shape.clips), window, labels, text, context))
    return VideoExample("", tuple(tokens.head(shape.product)), tuple(clips))


def row(examples: list[VideoExample]) -> str:
    """Tokens a video as samples and packed, and ratios: tokens, operations, operations of the released samples."""
    alone = [[len(sample_of(video, index).input_ids) for index in range(len(video.clips))] for video in examples]
    packed = [len(pack(video).input_ids) for video in examples]
    whole = [[_whole(video, index) for index in range(len(video.clips))] for video in examples]

    def flops(lengths: list[list[int]]) -> float:
        return sum(forward_flops(own, BAICHUAN, is_packed=False) for own in lengths)

    ours = sum(forward_flops([length], BAICHUAN, is_packed=True) for length in packed)
    tokens = sum(map(sum, alone)) / sum(packed)
    return (
        f"{np.mean([sum(own) for own in alone]):6.0f} | {np.mean(packed):6.0f} | {max(packed):5d} | {tokens:.2f} | "
        f"{flops(alone) / ours:.2f} | {flops(whole) / ours:.2f} |"
    )


def _whole(video: VideoExample, index: int) -> int:
    """Tokens of a released sample, which goes on to the end of the video."""
    own = len(sample_of(video, index).input_ids)
    return own + sum(len(clip.opening + clip.told) for clip in video.clips[index + 1 :])


def main() -> None:
    """Print the table."""
    print("| videos | tokens/character | frames kept | samples | packed | longest | tokens | operations | released |")
    print("|---|---|---|---|---|---|---|---|---|")
    shapes = list(videos())
    for name, chosen in (("seven clips", [s for s in shapes if len(s.clips) == 7]), ("all", shapes)):
        for rate in (0.65, 1.0):
            tokens = StoryTokens.of(CountingTokenizer(rate), prompt_form("zh"), "zh")  # type: ignore[arg-type]
            for kept in (1.0, 0.5, 0.25):
                examples = [example(shape, tokens, kept) for shape in chosen]
                print(f"| {name} ({len(chosen)}) | {rate} | {kept:.0%} | {row(examples)}")


if __name__ == "__main__":
    main()
