"""The charts of a comparison: values with their intervals, values by script label and by place in the story.

A system has the same colour in all of them, by its place among the systems.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from markupsafe import Markup

from narrator_ray.outputs.comparison_content import ComparedMetric, Group
from narrator_ray.outputs.svg import NOTHING, WIDTH, scale_between, shortened, svg, svg_text

NUM_COLOURS: Final = 6
_NAME_WIDTH: Final = 118
_RIGHT: Final = 14
_ROW_HEIGHT: Final = 22
_AXIS_HEIGHT: Final = 20
_LABELS_WIDTH: Final = 440
_LABEL_NAME_WIDTH: Final = 214
_PLOT_HEIGHT: Final = 150
_LEFT: Final = 36
_PLOT: Final = (_NAME_WIDTH, WIDTH - _RIGHT)
"""Between which x values lie beside the names of systems."""


def interval_chart(systems: Sequence[str], metric: ComparedMetric) -> Markup:
    """A row for each system: its value as a dot, its interval as a line; the paper's values as lines across."""
    found = [value for value in metric.values if value is not None]
    edges = [edge for value in found for edge in (value.value, value.low, value.high) if edge == edge]
    edges += [value for _, value in metric.paper]
    if not edges:
        return NOTHING
    ticks = scale_between(min(edges), max(edges))
    top = 13 * len(metric.paper)
    bottom = top + _ROW_HEIGHT * len(systems)
    parts = [*_x_axis(ticks, top, bottom)]
    for place, (row, known) in enumerate(metric.paper):
        x = _x(known, ticks)
        line = Markup('<line class="paper" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>')
        anchor = "end" if x > WIDTH * 0.7 else "start"
        parts += [line.format(x, 13 * place + 4, bottom)]
        parts += [svg_text(x - 4 if anchor == "end" else x + 4, 13 * place + 11, f"{row} {known:.1f}", anchor, "paper")]
    for place, (name, value) in enumerate(zip(systems, metric.values, strict=True)):
        y = top + _ROW_HEIGHT * place + _ROW_HEIGHT / 2
        parts.append(svg_text(_NAME_WIDTH - 8, y + 4, shortened(name)[:18], "end"))
        if value is None:
            continue
        if value.low == value.low:
            line = Markup('<line class="interval {}" x1="{}" x2="{}" y1="{y}" y2="{y}"/>')
            parts.append(line.format(_colour(place), _x(value.low, ticks), _x(value.high, ticks), y=y))
        parts.append(_dot(place, _x(value.value, ticks), y, 5))
    spoken = ", ".join(
        f"{name} none" if value is None else f"{name} {value.value:.1f} ({value.low:.1f} to {value.high:.1f})"
        for name, value in zip(systems, metric.values, strict=True)
    )
    return svg(bottom + _AXIS_HEIGHT, f"{metric.title}, {metric.definition}: {spoken}", parts)


def label_chart(systems: Sequence[str], groups: Sequence[Group], title: str) -> Markup:
    """A row for each group with a dot for each system."""
    edges = [value for group in groups for value in group.values if value is not None]
    if not edges:
        return NOTHING
    ticks = scale_between(min(edges), max(edges))
    bottom, plot = _ROW_HEIGHT * len(groups), (_LABEL_NAME_WIDTH, _LABELS_WIDTH - _RIGHT)
    parts = [*_x_axis(ticks, 0, bottom, plot)]
    for row, group in enumerate(groups):
        y = _ROW_HEIGHT * row + _ROW_HEIGHT / 2
        parts.append(svg_text(plot[0] - 8, y + 4, f"{shortened(group.name)} ({group.num_clips})", "end"))
        dots = [(place, value) for place, value in enumerate(group.values) if value is not None]
        parts += [_dot(place, _x(value, ticks, plot), y, 4.5) for place, value in reversed(dots)]
    return svg(bottom + _AXIS_HEIGHT, f"{title} by script label: {_spoken(systems, groups)}", parts, _LABELS_WIDTH)


def position_chart(systems: Sequence[str], groups: Sequence[Group], title: str) -> Markup:
    """A line for each system over the number of the clip in its story."""
    edges = [value for group in groups for value in group.values if value is not None]
    if not edges:
        return NOTHING
    ticks = scale_between(min(edges), max(edges))
    height, low, span = _PLOT_HEIGHT, ticks[0], ticks[-1] - ticks[0]
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(groups) - 1)

    def y_of(value: float) -> float:
        return round(10 + (height - 20) * (1 - (value - low) / span), 1)

    parts: list[Markup] = []
    for tick in ticks:
        grid = Markup('<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>')
        parts += [
            grid.format(_LEFT, WIDTH - _RIGHT, y=y_of(tick)),
            svg_text(_LEFT - 6, y_of(tick) + 4, f"{tick:g}", "end"),
        ]
    names = enumerate(groups)
    parts += [svg_text(_LEFT + step * row, height + 12, group.name, "middle") for row, group in names]
    parts.append(svg_text(WIDTH - _RIGHT, height + 26, "clip of the story", "end"))
    for place in reversed(range(len(systems))):
        points = [(_LEFT + step * row, group.values[place]) for row, group in enumerate(groups)]
        for run in _runs(points):
            path = " ".join(f"{round(x, 1)},{y_of(value)}" for x, value in run)
            parts.append(Markup('<polyline class="course {}" points="{}"/>').format(_colour(place), path))
            parts += [_dot(place, x, y_of(value), 3) for x, value in run]
    return svg(height + 32, f"{title} by clip of the story: {_spoken(systems, groups)}", parts)


def _runs(points: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    """Neighbours that have values."""
    for is_known, run in groupby(points, key=lambda point: point[1] is not None):
        if is_known:
            yield [(x, value) for x, value in run if value is not None]


def _spoken(systems: Sequence[str], groups: Sequence[Group]) -> str:
    rows = []
    for group in groups:
        values = zip(systems, group.values, strict=True)
        rows.append(f"{group.name}: " + ", ".join(f"{name} {value:.1f}" for name, value in values if value is not None))
    return "; ".join(rows)


def _x_axis(ticks: Sequence[float], top: float, bottom: float, plot: tuple[float, float] = _PLOT) -> Iterator[Markup]:
    for tick in ticks:
        x = _x(tick, ticks, plot)
        yield Markup('<line class="grid" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(x, top, bottom)
        yield svg_text(x, bottom + 14, f"{tick:g}", "middle")


def _x(value: float, ticks: Sequence[float], plot: tuple[float, float] = _PLOT) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(plot[0] + share * (plot[1] - plot[0]), 1)


def _dot(place: int, x: float, y: float, radius: float) -> Markup:
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(
        _colour(place), round(x, 1), round(y, 1), radius
    )


def _colour(place: int) -> str:
    return f"system-{place % NUM_COLOURS}"
