"""Pieces that several scenes share: clouds, lights, trees, boards, little plants.

Units are those of the scene (one unit is one pixel of the finished film). Knows nothing of a scene as a whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from narrator_ray.demo.canvas import Canvas, across, down, glow
from narrator_ray.demo.colours import WHITE, Colour, mix, seen_through
from narrator_ray.demo.outlines import box, ellipse, polygon, svg, together

WIDTH = 560.0
HEIGHT = 380.0
"""A scene is larger than the film's frame, so that the camera can move."""
FOOT_Y = 334.0
"""Where a product stands."""


@dataclass(frozen=True, slots=True)
class Ambient:
    """The light of a scene: share of red, green, blue that a product throws back, and the colour of its shadow."""

    light: tuple[float, float, float]
    shadow: tuple[int, int, int]


AMBIENT = {
    "beach": Ambient((1.0, 0.99, 0.96), (110, 66, 22)),
    "city_night": Ambient((0.87, 0.85, 0.97), (5, 3, 22)),
    "forest": Ambient((0.95, 0.98, 0.9), (10, 28, 8)),
    "kitchen": Ambient((1.0, 0.98, 0.95), (62, 28, 6)),
    "lavender_field": Ambient((1.0, 0.93, 0.9), (44, 18, 34)),
    "living_room": Ambient((0.98, 0.93, 0.87), (38, 16, 4)),
    "snowy_mountains": Ambient((0.96, 0.98, 1.0), (70, 100, 150)),
    "studio": Ambient((1.0, 1.0, 1.0), (84, 44, 52)),
}


def cloud(canvas: Canvas, x: float, y: float, size: float, opacity: float = 0.9) -> None:
    """A heap of soft puffs, flat below."""
    puffs = ((-0.9, 0.05, 0.42), (-0.45, -0.2, 0.55), (0.1, -0.32, 0.68), (0.6, -0.1, 0.5), (1.0, 0.08, 0.36))
    heap = together(*(ellipse(x + u * size, y + v * size, r * size, r * size * 0.72) for u, v, r in puffs))
    canvas.fill(heap, down(y - size, y + size * 0.5, WHITE, (225, 236, 248)), blur=size * 0.06, opacity=opacity)


def stars(canvas: Canvas, rng: Random, count: int, bottom: float) -> None:
    """Small lights of different strength above ``bottom``."""
    for _ in range(count):
        x, y, size = rng.uniform(0, WIDTH), rng.uniform(0, bottom), rng.uniform(0.5, 1.3)
        canvas.fill(ellipse(x, y, size), seen_through(WHITE, rng.uniform(0.4, 1.0)))


def lantern(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    """A small light with its halo."""
    canvas.fill(ellipse(x, y, radius * 5), glow(x, y, radius * 5, colour, 0.75))
    canvas.fill(ellipse(x, y, radius), mix(colour, WHITE, 0.65))


def bokeh(canvas: Canvas, rng: Random, count: int, colours: tuple[Colour, ...], area: tuple[float, ...]) -> None:
    """Out-of-focus lights within ``area`` (left, top, right, bottom)."""
    for _ in range(count):
        x, y = rng.uniform(area[0], area[2]), rng.uniform(area[1], area[3])
        radius, colour = rng.uniform(5, 17), rng.choice(colours)
        canvas.fill(ellipse(x, y, radius), seen_through(colour, rng.uniform(0.16, 0.42)), blur=0.7)
        canvas.line(ellipse(x, y, radius - 0.8).rings[0], 1.0, seen_through(colour, 0.3))


def pine(canvas: Canvas, x: float, foot: float, height: float, colour: Colour, snow: float = 0.0) -> None:
    """A fir tree in four tiers; ``snow`` (0-1) whitens its left side."""
    canvas.fill(box(x - height * 0.03, foot - height * 0.12, x + height * 0.03, foot), mix(colour, (60, 35, 20), 0.7))
    for tier in range(4):
        top, half = foot - height + tier * height * 0.19, height * (0.12 + 0.07 * tier)
        low = top + height * 0.36
        form = polygon(
            (x, top),
            (x + half, low),
            (x + half * 0.4, low - 3),
            (x, low + 2),
            (x - half * 0.5, low - 2),
            (x - half, low),
        )
        canvas.fill(
            form,
            across(x - half, x + half, mix(colour, WHITE, 0.15 + snow * 0.65), colour, mix(colour, (0, 0, 0), 0.3)),
        )


def tuft(canvas: Canvas, rng: Random, x: float, y: float, height: float, colour: Colour) -> None:
    """A bunch of grass blades growing from (x, y)."""
    for _ in range(7):
        lean, length = rng.uniform(-0.6, 0.6) * height, height * rng.uniform(0.6, 1.0)
        foot = x + rng.uniform(-0.3, 0.3) * height
        path = f"M{foot - 1.6},{y} Q{foot},{y - length * 0.6} {foot + lean},{y - length} Q{foot + 1},{y - length * 0.5} {foot + 1.6},{y} Z"
        canvas.fill(svg(path), mix(colour, WHITE, rng.uniform(0.0, 0.25)))


def fern(canvas: Canvas, x: float, y: float, length: float, lean_deg: float, colour: Colour) -> None:
    """One feathered frond from (x, y), leaning from upright."""
    for step in range(1, 15):
        along = step / 15
        angle = math.radians(lean_deg * (0.4 + along * 0.8) - 90)
        px, py = x + math.cos(angle) * length * along, y + math.sin(angle) * length * along
        reach = length * 0.2 * math.sin(math.pi * (0.12 + along * 0.86))
        for side in (-1, 1):
            turn = math.degrees(angle) + side * 62
            u, v = math.cos(math.radians(turn)) * reach, math.sin(math.radians(turn)) * reach
            canvas.fill(ellipse(px + u / 2, py + v / 2, reach / 2, reach / 7, turn), mix(colour, WHITE, 0.25 * along))


def boards(canvas: Canvas, rng: Random, top: float, colour: Colour, rows: int = 3) -> None:
    """A wooden surface from ``top`` down to the picture's lower edge, with lit front edge and grain."""
    surface = box(0, top, WIDTH, HEIGHT)
    canvas.fill(surface, down(top, HEIGHT, mix(colour, WHITE, 0.2), colour, mix(colour, (40, 15, 0), 0.3)))
    with canvas.clipped(surface):
        canvas.grain(surface, rng.randrange(1 << 30), 0.06, 1.3, stretch=22)
        for row in range(1, rows):
            y = top + (HEIGHT - top) * (row / rows) ** 1.25
            canvas.line(f"M0,{y} L{WIDTH},{y}", 1.3, mix(colour, (30, 10, 0), 0.6))
            canvas.line(f"M0,{y + 1.4} L{WIDTH},{y + 1.4}", 0.8, seen_through(WHITE, 0.25))
    canvas.line(f"M0,{top} L{WIDTH},{top}", 1.6, seen_through(WHITE, 0.55))


def vignette(canvas: Canvas, colour: Colour, opacity: float) -> None:
    """Darken the picture's corners."""
    fade = glow(WIDTH / 2, HEIGHT / 2, 380, colour)
    stops = tuple(
        (place, seen_through(colour, opacity * max(0.0, place - 0.45) / 0.55)) for place in (0.0, 0.45, 0.7, 1.0)
    )
    canvas.shade(type(fade)(fade.centre, fade.radius, stops, 0.8))
