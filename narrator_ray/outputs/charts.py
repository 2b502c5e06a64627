"""The small charts of a report, drawn as inline SVG.

Knows nothing of the page around it but the names of its CSS classes; colours come from the style sheet, so that charts
follow light and dark mode. Every chart has a text alternative.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from narrator_ray.outputs.svg import NOTHING, WIDTH, scale_from_zero, shortened, svg, svg_text
from narrator_ray.records import ScriptLabel

_ROW_HEIGHT = 22
_NAME_WIDTH = 176
_PLOT_HEIGHT = 186
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 8, 8, 30
_HISTOGRAM_BINS = 16
_CURVE_COLOURS = 8
_MOST_POINTS = 300


@dataclass(frozen=True, slots=True)
class LengthPoint:
    """One narration in the chart of lengths.

    Attributes:
        duration_s: Length of its clip in seconds.
        length: Its length in words, characters or spoken seconds.
        lowest: Lowest allowed length.
        highest: Highest allowed length.
    """

    duration_s: float
    length: float
    lowest: float
    highest: float

    @property
    def is_in_window(self) -> bool:
        """Whether the length lies inside the window, ends included."""
        return self.lowest <= self.length <= self.highest


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over steps.

    Attributes:
        name: For the legend.
        points: Step and value, in order.
    """

    name: str
    points: Sequence[tuple[float, float]]


def label_chart(counts: Mapping[ScriptLabel, int]) -> Markup:
    """Bars of clips per script label, most frequent first; labels that never occur are left out."""
    ranked = sorted(((label, count) for label, count in counts.items() if count), key=lambda item: -item[1])
    rows = [(label.name_in("en"), float(count), str(count), f"label-{label}") for label, count in ranked]
    return _bars(rows, "Clips by script label")


def stage_chart(seconds: Mapping[str, float]) -> Markup:
    """Bars of busy seconds per stage, in the order given."""
    rows = [(stage.replace("_", " "), value, f"{value:,.1f} s", "bar") for stage, value in seconds.items()]
    return _bars(rows, "Busy seconds per stage")


def length_chart(points: Sequence[LengthPoint], unit: str) -> Markup:
    """Length of narrations over the length of their clips, with the allowed window of each as a line behind it.

    Args:
        points: One a narration; equal ones are drawn once.
        unit: ``words``, ``characters`` or ``spoken seconds``.
    """
    if not points:
        return NOTHING
    x_ticks = scale_from_zero(max(point.duration_s for point in points))
    y_ticks = scale_from_zero(max(max(point.length, point.highest, 1) for point in points), least_step=1)
    x_top, y_top = x_ticks[-1], y_ticks[-1]
    parts, dots = [_axes(x_ticks, y_ticks, "clip seconds", unit)], []
    for point in dict.fromkeys(points):
        x, y = _x(point.duration_s / x_top), _y(point.length / y_top)
        low, high = _y(point.lowest / y_top), _y(point.highest / y_top)
        parts.append(Markup('<line class="window" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(x, low, high))
        kind = "in" if point.is_in_window else "out"
        dots.append(Markup('<circle class="{}" cx="{}" cy="{}" r="3"/>').format(kind, x, y))
    inside = sum(point.is_in_window for point in points)
    title = f"Length of {len(points)} narrations in {unit} over clip seconds: {inside} inside their window"
    return svg(_PLOT_HEIGHT, title, [*parts, *dots])


def pace_chart(rates_per_s: Sequence[float], unit: str) -> Markup:
    """Histogram of the speaking rate that narrations ask for, in words or characters per second of their clip."""
    if not rates_per_s:
        return NOTHING
    x_ticks = scale_from_zero(max(*rates_per_s, 1.0))
    x_top = x_ticks[-1]
    bins = Counter(min(int(rate / x_top * _HISTOGRAM_BINS), _HISTOGRAM_BINS - 1) for rate in rates_per_s)
    y_ticks = scale_from_zero(max(bins.values()), least_step=1)
    middle = sorted(rates_per_s)[len(rates_per_s) // 2]
    parts = [_axes(x_ticks, y_ticks, f"{unit} a second, median {middle:.1f}", "clips")]
    step = (WIDTH - _LEFT - _RIGHT) / _HISTOGRAM_BINS
    for place, count in sorted(bins.items()):
        left, top = round(_LEFT + place * step + 1, 1), _y(count / y_ticks[-1])
        bar = Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>')
        parts.append(bar.format(left, top, round(step - 2, 1), round(_y(0) - top, 1)))
    line = Markup('<line class="median" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>')
    parts.append(line.format(_x(middle / x_top), _TOP, _y(0)))
    return svg(_PLOT_HEIGHT, f"Speaking rate: median {middle:.1f} {unit} a second", parts)


def curve_chart(curves: Sequence[Curve], y_name: str) -> Markup:
    """Figures over steps, each as a line with its name and last value in a legend below.

    Args:
        curves: At most eight are told apart by colour; those without points are left out.
        y_name: What is measured.
    """
    drawn = [Curve(curve.name, _thinned(curve.points)) for curve in curves if curve.points]
    if not drawn:
        return NOTHING
    x_ticks = scale_from_zero(max(1.0, *(x for curve in drawn for x, _ in curve.points)), least_step=1)
    highest = max(y for curve in drawn for _, y in curve.points)
    power = 10.0 ** max(0, -math.floor(math.log10(highest))) if highest > 0 else 1.0
    y_ticks = [tick / power for tick in scale_from_zero(max(highest * power, 0.1))]
    parts = [_axes(x_ticks, y_ticks, "steps", y_name)]
    for place, curve in enumerate(drawn):
        css_class = f"curve-{place % _CURVE_COLOURS}"
        ends = [f"{_x(x / x_ticks[-1])},{_y(y / y_ticks[-1])}" for x, y in curve.points]
        line = Markup('<polyline class="curve {}" points="{}"/>')
        dot = Markup('<circle class="dot {}" cx="{}" cy="{}" r="2.5"/>')
        parts.append(line.format(css_class, " ".join(ends)))
        parts.append(dot.format(css_class, *ends[-1].split(",")))
        y = _PLOT_HEIGHT + 14 + _ROW_HEIGHT * (place // 2)
        x = _LEFT + (place % 2) * (WIDTH - _LEFT) / 2
        parts.append(Markup('<circle class="dot {}" cx="{}" cy="{}" r="4"/>').format(css_class, x + 4, y - 4))
        parts.append(svg_text(x + 14, y, f"{curve.name} {curve.points[-1][1]:.3g}", "start"))
    told = ", ".join(f"{curve.name} {curve.points[-1][1]:.3g} at last" for curve in drawn)
    return svg(_PLOT_HEIGHT + _ROW_HEIGHT * (-(-len(drawn) // 2)), f"{y_name} over steps: {told}", parts)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """As many means over neighbours as can be told apart; the last point stays what it is."""
    size = -(-len(points) // _MOST_POINTS)
    if size <= 1:
        return list(points)
    parts = [points[begin : begin + size] for begin in range(0, len(points), size)]
    means = [(part[-1][0], sum(y for _, y in part) / len(part)) for part in parts]
    return [*means[:-1], points[-1]]


def _bars(rows: Sequence[tuple[str, float, str, str]], title: str) -> Markup:
    if not rows:
        return NOTHING
    longest = max(value for _, value, _, _ in rows) or 1
    room = WIDTH - _NAME_WIDTH - 52
    parts = []
    for place, (name, value, text, css_class) in enumerate(rows):
        y, width = place * _ROW_HEIGHT, round(max(2.0, room * value / longest), 1)
        parts.append(svg_text(_NAME_WIDTH - 8, y + 15, shortened(name), "end"))
        bar = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="14" rx="2"/>')
        parts.append(bar.format(css_class, _NAME_WIDTH, y + 4, width))
        parts.append(svg_text(_NAME_WIDTH + width + 6, y + 15, text, "start"))
    spoken = ", ".join(f"{name} {text}" for name, _, text, _ in rows)
    return svg(len(rows) * _ROW_HEIGHT, f"{title}: {spoken}", parts)


def _axes(x_ticks: Sequence[float], y_ticks: Sequence[float], x_name: str, y_name: str) -> Markup:
    parts = []
    for tick in y_ticks:
        y = _y(tick / y_ticks[-1])
        grid = Markup('<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>')
        parts += [grid.format(_LEFT, WIDTH - _RIGHT, y=y), svg_text(_LEFT - 5, y + 4, f"{tick:g}", "end")]
    parts += [svg_text(_x(tick / x_ticks[-1]), _PLOT_HEIGHT - 16, f"{tick:g}", "middle") for tick in x_ticks]
    parts.append(svg_text(WIDTH - _RIGHT, _PLOT_HEIGHT - 2, x_name, "end"))
    parts.append(svg_text(_LEFT + 4, _TOP + 10, y_name, "start"))
    return Markup("").join(parts)


def _x(fraction: float) -> float:
    return round(_LEFT + fraction * (WIDTH - _LEFT - _RIGHT), 1)


def _y(fraction: float) -> float:
    return round(_PLOT_HEIGHT - _BOTTOM - fraction * (_PLOT_HEIGHT - _TOP - _BOTTOM), 1)
