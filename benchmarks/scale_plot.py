"""Throughput over GPUs as a drawing: a panel for each size of the catalogue, a line for each number of shards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from scale_night import Outcome

PANEL_WIDTH, PANEL_HEIGHT = 300, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 34, 40
MOST_GPUS, DECADES = 1000, (0.1, 10_000.0)
COLOURS = {1: "#c0392b", 10: "#b8860b", 100: "#1f6f8b"}
STYLE = (
    "text{font:12px sans-serif;fill:#444}.title{font-weight:bold}line{stroke:#ddd}polyline{fill:none;stroke-width:2}"
    ".ideal{stroke:#999;stroke-dasharray:4 4;stroke-width:1.5}"
)


def draw(outcomes: Sequence[tuple[int, Outcome]]) -> str:
    """The drawing as SVG.

    Args:
        outcomes: Number of shards and what came of the night.
    """
    sizes = sorted({outcome.num_videos for _, outcome in outcomes})
    chosen = [sizes[0], sizes[len(sizes) // 2], sizes[-1]]
    panels = [_panel(place, size, outcomes) for place, size in enumerate(chosen)]
    width = PANEL_WIDTH * len(chosen) + 2 * RIGHT
    label = "Videos a second over GPUs for three sizes of the catalogue, in 1, 10 and 100 shards"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {PANEL_HEIGHT + 26}" role="img" '
        f'aria-label="{label}"><style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(panels)}{_legend()}</svg>\n"
    )


def _panel(place: int, size: int, outcomes: Sequence[tuple[int, Outcome]]) -> str:
    parts = [f'<g transform="translate({place * PANEL_WIDTH},0)">', _axes(), _text(LEFT, 20, _title(size), "title")]
    of_size = [(shards, outcome) for shards, outcome in outcomes if outcome.num_videos == size]
    per_gpu = size / of_size[0][1].gpu_s
    parts.append(_line([(1, per_gpu), (MOST_GPUS, MOST_GPUS * per_gpu)], 'class="ideal"'))
    for shards, colour in COLOURS.items():
        points = [(outcome.num_gpus, outcome.videos_per_s) for its, outcome in of_size if its == shards]
        if points:
            parts.append(_line(points, f'stroke="{colour}"'))
            parts += [f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
    return "".join((*parts, "</g>"))


def _axes() -> str:
    parts = []
    for tick in _powers(*DECADES):
        parts.append(f'<line x1="{LEFT}" x2="{PANEL_WIDTH - RIGHT}" y1="{_y(tick):.1f}" y2="{_y(tick):.1f}"/>')
        parts.append(_text(LEFT - 6, _y(tick) + 4, f"{tick:g}", anchor="end"))
    parts += [_text(_x(tick), PANEL_HEIGHT - 22, f"{tick:g}", anchor="middle") for tick in _powers(1, MOST_GPUS)]
    return "".join((*parts, _text(PANEL_WIDTH - RIGHT, PANEL_HEIGHT - 6, "GPUs", anchor="end")))


def _legend() -> str:
    parts = [_text(LEFT, PANEL_HEIGHT + 16, "videos/s of a whole night:")]
    for place, (shards, colour) in enumerate(COLOURS.items()):
        x = LEFT + 170 + place * 110
        parts.append(f'<circle cx="{x}" cy="{PANEL_HEIGHT + 12}" r="4" fill="{colour}"/>')
        parts.append(_text(x + 10, PANEL_HEIGHT + 16, f"{shards} shard{'s' * (shards > 1)}"))
    x = LEFT + 170 + len(COLOURS) * 110
    parts.append(f'<polyline class="ideal" points="{x},{PANEL_HEIGHT + 12} {x + 24},{PANEL_HEIGHT + 12}"/>')
    return "".join((*parts, _text(x + 32, PANEL_HEIGHT + 16, "all GPUs busy all the time")))


def _line(points: Iterable[tuple[float, float]], style: str) -> str:
    places = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline {style} points="{places}"/>'


def _text(x: float, y: float, text: str, css_class: str = "", anchor: str = "start") -> str:
    return f'<text class="{css_class}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _title(size: int) -> str:
    return f"10{str(round(math.log10(size))).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))} videos"


def _powers(lowest: float, highest: float) -> list[float]:
    return [10.0**power for power in range(round(math.log10(lowest)), round(math.log10(highest)) + 1)]


def _x(gpus: float) -> float:
    return LEFT + (PANEL_WIDTH - LEFT - RIGHT) * math.log10(gpus) / math.log10(MOST_GPUS)


def _y(videos_per_s: float) -> float:
    lowest, highest = (math.log10(end) for end in DECADES)
    share = (math.log10(videos_per_s) - lowest) / (highest - lowest)
    return PANEL_HEIGHT - BOTTOM - share * (PANEL_HEIGHT - TOP - BOTTOM)
