"""Outlines to be painted: closed polygons made from SVG path strings, ellipses, rounded boxes and thick lines.

Geometry only, in the drawing's own units (x to the right, y down). Knows nothing of colours or pixels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

Point = tuple[float, float]
Ring = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """Closed rings that are painted together.

    Attributes:
        rings: The corners of each ring.
        has_holes: Whether overlapping rings cut holes into each other (even-odd) or add up.
    """

    rings: tuple[Ring, ...]
    has_holes: bool = False


_CURVE_STEPS = 18
_TOKEN = re.compile(r"[MLHVCQZ]|-?\d+(?:\.\d+)?")
_NUM_ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "Z": 0}


@lru_cache(maxsize=1024)
def svg(path: str) -> Outline:
    """The outline of an SVG path string with the absolute commands M L H V C Q Z."""
    rings: list[list[Point]] = []
    for command, numbers in _commands(path):
        if command == "M":
            rings.append([(numbers[0], numbers[1])])
        elif command != "Z":
            rings[-1].extend(_segment(command, rings[-1][-1], numbers))
    return Outline(tuple(tuple(ring) for ring in rings), has_holes=len(rings) > 1)


def _commands(path: str) -> Iterator[tuple[str, list[float]]]:
    command, numbers = "", list[float]()
    for token in _TOKEN.findall(path):
        if token in _NUM_ARGUMENTS:
            command, numbers = token, []
        else:
            numbers.append(float(token))
        if len(numbers) == _NUM_ARGUMENTS[command]:
            yield command, numbers
            numbers = []


def _segment(command: str, start: Point, n: Sequence[float]) -> list[Point]:
    if command == "L":
        return [(n[0], n[1])]
    if command == "H":
        return [(n[0], start[1])]
    if command == "V":
        return [(start[0], n[0])]
    controls = [start, *zip(n[::2], n[1::2], strict=True)]
    return [_bezier(controls, step / _CURVE_STEPS) for step in range(1, _CURVE_STEPS + 1)]


def _bezier(points: Sequence[Point], t: float) -> Point:
    while len(points) > 1:
        points = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in pairwise(points)]
    return points[0]


def ellipse(x: float, y: float, radius_x: float, radius_y: float | None = None, turn_deg: float = 0.0) -> Outline:
    """An ellipse around (x, y); a circle when one radius is given."""
    radius_y = radius_x if radius_y is None else radius_y
    turn = math.radians(turn_deg)
    angles = [2 * math.pi * i / 72 for i in range(72)]
    ring = [(radius_x * math.cos(a), radius_y * math.sin(a)) for a in angles]
    cos, sin = math.cos(turn), math.sin(turn)
    return Outline((tuple((x + u * cos - v * sin, y + u * sin + v * cos) for u, v in ring),))


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Outline:
    """An upright rectangle with rounded corners."""
    radius = min(radius, (right - left) / 2, (bottom - top) / 2)
    corners = [
        (right - radius, top + radius, -90),
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
    ]
    steps = 8 if radius else 0
    ring: list[Point] = []
    for x, y, start_deg in corners:
        for step in range(steps + 1):
            angle = math.radians(start_deg + 90 * step / max(steps, 1))
            ring.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
    return Outline((tuple(ring),))


def star(x: float, y: float, outer: float, inner: float, num_points: int, turn_deg: float = -90.0) -> Outline:
    """A star around (x, y)."""
    ring = []
    for i in range(2 * num_points):
        angle = math.radians(turn_deg + 180 * i / num_points)
        radius = inner if i % 2 else outer
        ring.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
    return Outline((tuple(ring),))


def polygon(*points: Point) -> Outline:
    """Straight lines from corner to corner."""
    return Outline((points,))


def stroke(path: str | Sequence[Point], width: float) -> Outline:
    """A thick line with round joints and ends along an SVG path or points."""
    lines = svg(path).rings if isinstance(path, str) else (tuple(path),)
    rings: list[Ring] = []
    for line in lines:
        rings += [ellipse(x, y, width / 2).rings[0] for x, y in line]
        rings += [_bar(a, b, width) for a, b in pairwise(line) if a != b]
    return Outline(tuple(rings))


def _bar(a: Point, b: Point, width: float) -> Ring:
    length = math.dist(a, b)
    u, v = (b[1] - a[1]) / length * width / 2, (a[0] - b[0]) / length * width / 2
    return ((a[0] + u, a[1] + v), (b[0] + u, b[1] + v), (b[0] - u, b[1] - v), (a[0] - u, a[1] - v))


def together(*outlines: Outline) -> Outline:
    """All outlines as one, adding up."""
    return Outline(tuple(ring for outline in outlines for ring in outline.rings))


def moved(outline: Outline, x: float = 0.0, y: float = 0.0, scale: float = 1.0) -> Outline:
    """The outline scaled about the origin, then shifted."""
    rings = tuple(tuple((px * scale + x, py * scale + y) for px, py in ring) for ring in outline.rings)
    return Outline(rings, outline.has_holes)


def mirrored(outline: Outline, axis_x: float) -> Outline:
    """The outline flipped left to right about a vertical axis."""
    rings = tuple(tuple((2 * axis_x - px, py) for px, py in ring) for ring in outline.rings)
    return Outline(rings, outline.has_holes)
