"""Ways to light a form: round like a cylinder, round like a ball, glossy, dark towards its foot.

Knows nothing of any product; every function paints on a form that is already outlined.
"""

from __future__ import annotations

from narrator_ray.demo.canvas import Canvas, Linear, down, glow
from narrator_ray.demo.colours import BLACK, WHITE, Colour, Palette, rgb, seen_through
from narrator_ray.demo.outlines import Outline, Point, svg

STEEL = (rgb("f4f6f8"), rgb("b9c0c8"), rgb("e9edf0"), rgb("7d858e"))
"""Shades of polished metal from one side to the other."""
INK = rgb("23252b")
"""The near-black of rubber, lenses and screens."""


def cylinder(canvas: Canvas, form: Outline, palette: Palette, left: float, right: float) -> None:
    """Fill a form as an upright round body between ``left`` and ``right``, lit from the upper left."""
    stops = (
        (0.0, palette.dark),
        (0.1, palette.base),
        (0.28, palette.light),
        (0.5, palette.base),
        (0.82, palette.dark),
        (1.0, palette.deep),
    )
    canvas.fill(form, Linear((left, 0), (right, 0), stops))


def metal(canvas: Canvas, form: Outline, start: Point, end: Point) -> None:
    """Fill a form with polished steel whose shades run from ``start`` to ``end``."""
    canvas.fill(form, Linear(start, end, tuple(zip((0.0, 0.35, 0.6, 1.0), STEEL, strict=True))))


def ball(canvas: Canvas, form: Outline, palette: Palette, centre: Point, radius: float) -> None:
    """Fill a form as a ball around ``centre``, lit from the upper left."""
    x, y = centre
    canvas.fill(form, down(y - radius, y + radius, palette.light, palette.base, palette.dark))
    with canvas.clipped(form):
        canvas.shade(glow(x + radius * 0.55, y + radius * 0.75, radius * 1.1, palette.deep, 0.75))
        canvas.shade(glow(x - radius * 0.45, y - radius * 0.55, radius * 0.8, palette.glint, 0.85))


def gloss(canvas: Canvas, form: Outline, path: str, *, opacity: float = 0.55, blur: float = 0.8) -> None:
    """A reflection in the shape of an SVG path, kept inside the form."""
    with canvas.clipped(form):
        canvas.fill(svg(path), seen_through(WHITE, opacity), blur=blur)


def foot_shadow(canvas: Canvas, form: Outline, top: float, bottom: float, opacity: float = 0.3) -> None:
    """Darken a form towards its foot."""
    with canvas.clipped(form):
        canvas.shade(down(top, bottom, seen_through(BLACK, 0.0), seen_through(BLACK, opacity)))


def seam(canvas: Canvas, path: str, colour: Colour, width: float = 0.5) -> None:
    """A row of stitches: a thin line with a light edge below it."""
    canvas.line(path, width, seen_through(colour, 0.75))
