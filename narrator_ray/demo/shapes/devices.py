"""Things with electronics: headphones, camera. Each stands in a square of 100 units, its foot at y = 96."""

from __future__ import annotations

from narrator_ray.demo.canvas import Canvas, across, down, glow
from narrator_ray.demo.colours import BLACK, WHITE, Palette, rgb, seen_through
from narrator_ray.demo.outlines import box, ellipse, svg
from narrator_ray.demo.shapes.shading import INK, ball, cylinder, foot_shadow, gloss, metal


def draw_headphones(canvas: Canvas, palette: Palette) -> None:
    """Over-ear headphones from the front."""
    band = svg("M9,62 C5,26 26,5 50,5 C74,5 95,26 91,62 L83,62 C86,32 70,14 50,14 C30,14 14,32 17,62 Z")
    canvas.fill(band, across(6, 94, palette.dark, palette.light, palette.base, palette.deep))
    gloss(canvas, band, "M18,32 C24,18 36,10 48,8.5 C38,13 28,20 22,34 Z", opacity=0.7)
    pad = svg("M22,28 C30,17 40,14 50,14 C60,14 70,17 78,28 C72,21 62,18.5 50,18.5 C38,18.5 28,21 22,28 Z")
    canvas.fill(pad, down(13, 28, rgb("4a4d55"), INK))
    for side in (-1, 1):
        metal(
            canvas,
            box(50 + side * 38 - 2, 50, 50 + side * 38 + 2, 66, 1),
            (50 + side * 38 - 2, 0),
            (50 + side * 38 + 2, 0),
        )
        inner, outer = 50 + side * 23, 50 + side * 34
        cushion = ellipse(inner, 73, 8.5, 21)
        canvas.fill(cushion, across(inner - 8, inner + 8, rgb("54575f"), rgb("2a2c32"), rgb("191a1e")))
        cup = ellipse(outer, 73, 13, 22)
        ball(canvas, cup, palette, (outer, 73), 21)
        ring = ellipse(outer + side * 1.5, 73, 8, 15)
        canvas.fill(ring, across(outer - 8, outer + 10, palette.dark, palette.light))
        canvas.fill(
            ellipse(outer + side * 1.8, 73, 6.2, 12.6), across(outer - 7, outer + 8, palette.base, palette.dark)
        )
        gloss(
            canvas,
            cup,
            f"M{outer - 8},66 C{outer - 7},58 {outer - 3},54 {outer + 1},53 C{outer - 3},58 {outer - 4},64 {outer - 4},72 Z",
            opacity=0.7,
        )


def draw_camera(canvas: Canvas, palette: Palette) -> None:
    """A compact camera with a coloured body and a large lens."""
    hump = svg("M34,36 L39,22 C40,19 42,18 45,18 L59,18 C62,18 64,19 65,22 L70,36 Z")
    metal(canvas, hump, (34, 18), (70, 38))
    metal(canvas, box(12, 26, 26, 36, 2), (12, 0), (26, 0))
    canvas.fill(box(76, 28, 88, 36, 2), rgb("3b3e45"))
    canvas.fill(ellipse(19, 26, 4.6, 2.2), palette.base)
    body = box(4, 32, 96, 96, 9)
    metal(canvas, body, (4, 32), (96, 70))
    leather = svg("M4,46 L96,46 L96,86 L4,86 Z")
    with canvas.clipped(body):
        canvas.fill(leather, across(4, 96, palette.light, palette.base, palette.dark))
        canvas.grain(leather, 5, 0.05, 0.8)
        canvas.fill(box(0, 46, 100, 48), seen_through(BLACK, 0.3), blur=0.8)
        canvas.fill(box(0, 84.5, 100, 86), seen_through(BLACK, 0.25), blur=0.6)
    foot_shadow(canvas, body, 86, 98)
    canvas.fill(box(76, 37, 88, 43, 1.5), down(37, 43, rgb("fffbe0"), rgb("d5d9de")))
    canvas.fill(box(46, 23, 58, 31, 1.5), down(23, 31, rgb("2b3550"), INK))
    canvas.fill(ellipse(50, 67, 28), seen_through(BLACK, 0.35), blur=2)
    cylinder(canvas, ellipse(50, 66, 26), _SILVER, 24, 76)
    canvas.fill(ellipse(50, 66, 22.5), down(44, 88, rgb("3c3f47"), rgb("141519")))
    canvas.fill(ellipse(50, 66, 17), down(48, 84, rgb("1b2030"), rgb("31405f")))
    with canvas.clipped(ellipse(50, 66, 14)):
        canvas.shade(down(52, 80, rgb("0d1020"), rgb("2c4a7c")))
        canvas.shade(glow(56, 74, 10, rgb("7e5bd0"), 0.7))
        canvas.shade(glow(43, 58, 8, rgb("bfe4ff"), 0.9))
    canvas.fill(ellipse(44, 59, 3.0, 2.2, -35), seen_through(WHITE, 0.9), blur=0.5)
    canvas.fill(ellipse(56.5, 73.5, 1.4), seen_through(WHITE, 0.6), blur=0.3)
    gloss(canvas, body, "M8,35 L92,35 L92,37 L8,37 Z", opacity=0.8, blur=0.6)


_SILVER = Palette(rgb("ffffff"), rgb("f2f4f6"), rgb("cfd4da"), rgb("8f969f"), rgb("5a6068"))
