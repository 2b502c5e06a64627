"""What the charts of all pages are drawn with: inline SVG, a scale with few ticks, texts.

Knows nothing of the page around it but the names of its CSS classes; colours come from the style sheet, so that charts
follow light and dark mode. Every chart has a text alternative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

WIDTH = 360
NOTHING = Markup('<p class="quiet">Nothing to show</p>')
_MAX_TICKS = 5
_LONGEST_NAME = 30


def scale_from_zero(highest: float, least_step: float = 0.1) -> list[float]:
    """Ticks from 0 to just above the highest value, few enough to read, a 1, 2 or 5 times a power of ten apart."""
    step = _step(highest, least_step)
    return [round(step * place, 6) for place in range(math.ceil(highest / step - 1e-9) + 1)]


def scale_between(lowest: float, highest: float, least_step: float = 0.1) -> list[float]:
    """Likewise, from just below the lowest value to just above the highest."""
    step = _step(max(highest - lowest, least_step), least_step)
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return [round(step * place, 6) for place in range(first, max(last, first + 1) + 1)]


def svg_text(x: float, y: float, text: str, anchor: str, css_class: str = "") -> Markup:
    """A text whose start, middle or end is at x."""
    kind = Markup(' class="{}"').format(css_class) if css_class else ""
    start = Markup('<text{} x="{}" y="{}" text-anchor="{}">{}</text>')
    return start.format(kind, round(x, 1), round(y, 1), anchor, text)


def shortened(name: str) -> str:
    """A name that has room beside a row."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def svg(height: float, title: str, parts: Sequence[Markup], width: float = WIDTH) -> Markup:
    """A chart of those parts with its text alternative."""
    start = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    return start.format(width, height, title) + Markup("").join(parts) + Markup("</svg>")


def _step(span: float, least_step: float) -> float:
    sizes = (digit * 10.0**power for power in range(-1, 12) for digit in (1, 2, 5))
    return next(size for size in sizes if size >= least_step and span / size <= _MAX_TICKS)
