"""Things to wear: sneakers, watch, sunglasses, hat. Each stands in a square of 100 units, its foot at y = 96."""

from __future__ import annotations

import math

from narrator_ray.demo.canvas import Canvas, across, down
from narrator_ray.demo.colours import BLACK, WHITE, Palette, mix, rgb, seen_through
from narrator_ray.demo.outlines import box, ellipse, svg
from narrator_ray.demo.shapes.shading import INK, ball, foot_shadow, gloss, metal


def draw_sneakers(canvas: Canvas, palette: Palette) -> None:
    """A low sneaker from the side, with white sole, toe cap and laces."""
    upper = svg(
        "M6,80 C4,66 7,54 9,44 C11,38 17,38 20,43 C25,50 32,50 37,45 C40,41 43,38 46,38"
        " C54,46 62,54 72,60 C84,65 96,68 97,80 Z"
    )
    canvas.fill(upper, down(38, 82, palette.light, palette.base, palette.dark))
    with canvas.clipped(upper):
        canvas.fill(svg("M4,82 L4,40 C18,38 22,60 20,82 Z"), palette.dark)
        canvas.fill(svg("M9,44 C20,56 36,52 46,38 L50,42 C38,58 18,60 8,50 Z"), seen_through(palette.deep, 0.8))
        toe = svg("M74,84 C72,72 80,64 98,66 L100,84 Z")
        canvas.fill(toe, down(64, 82, WHITE, rgb("d5d8de")))
        canvas.fill(svg("M28,80 C36,78 50,74 60,60 L66,63 C56,78 44,82 30,82 Z"), seen_through(WHITE, 0.95))
        canvas.line("M22,78 C36,72 46,64 50,54", 0.6, seen_through(palette.deep, 0.7))
        canvas.shade(down(70, 84, seen_through(BLACK, 0.0), seen_through(BLACK, 0.22)))
    gloss(canvas, upper, "M50,45 C58,53 66,58 76,63 C66,62 56,56 48,48 Z", opacity=0.45)
    for i in range(4):
        x, y = 49 + i * 6.2, 43 + i * 5.0
        canvas.line(f"M{x - 5.5},{y + 5.5} C{x - 3},{y} {x},{y - 1.5} {x + 2.5},{y - 0.5}", 2.4, rgb("9aa0aa", 0.5))
        canvas.line(f"M{x - 5.5},{y + 4.8} C{x - 3},{y - 0.8} {x},{y - 2.2} {x + 2.5},{y - 1.2}", 2.1, WHITE)
    sole = svg("M3,79 C20,83 40,82 60,79 C76,77 90,76 98,78 C101,84 99,92 93,94 C70,96 30,96 10,94 C3,93 1,86 3,79 Z")
    canvas.fill(sole, down(78, 95, WHITE, rgb("f0f1f4"), rgb("b7bcc6")))
    with canvas.clipped(sole):
        canvas.line("M2,86.5 C30,89.5 70,87.5 99,85.5", 1.5, palette.base)
        canvas.fill(box(0, 92.5, 100, 97), rgb("8d929c"))
    canvas.line("M8.5,46 C7.5,42 7.5,39 9.5,36", 3.0, palette.dark)


def draw_watch(canvas: Canvas, palette: Palette) -> None:
    """A wristwatch, face on, with a coloured strap and a pale dial."""
    strap = svg(
        "M35,30 L37,4 C37,1 40,0 43,0 L57,0 C60,0 63,1 63,4 L65,30 L65,70 L63,93 C63,96 60,96 57,96 L43,96 C40,96 37,96 37,93 L35,70 Z"
    )
    canvas.fill(strap, across(35, 65, palette.dark, palette.light, palette.base, palette.deep))
    with canvas.clipped(strap):
        for y in (78, 83, 88):
            canvas.fill(ellipse(50, y, 1.5), seen_through(palette.deep, 0.9))
        for x in (39.5, 60.5):
            canvas.line(f"M{x},2 L{x},94", 0.6, seen_through(WHITE, 0.6))
        canvas.fill(box(30, 18, 70, 30), seen_through(BLACK, 0.35), blur=2)
        canvas.fill(box(30, 70, 70, 78), seen_through(BLACK, 0.35), blur=2)
    metal(canvas, box(79, 45, 86, 53, 2), (79, 45), (79, 53))
    metal(canvas, ellipse(50, 49, 32), (22, 20), (78, 80))
    canvas.fill(ellipse(50, 49, 28.6), across(22, 78, palette.deep, palette.base, palette.dark))
    canvas.fill(ellipse(50, 49, 25.5), down(23, 75, rgb("ffffff"), rgb("e4e8ee")))
    for hour in range(12):
        angle = math.radians(30 * hour)
        sin, cos = math.sin(angle), math.cos(angle)
        inner = 19.0 if hour % 3 == 0 else 21.0
        start, end = (50 + inner * sin, 49 - inner * cos), (50 + 23 * sin, 49 - 23 * cos)
        canvas.line((start, end), 2.0 if hour % 3 == 0 else 1.1, INK)
    canvas.line("M50,49 L39,41", 2.4, INK)
    canvas.line("M50,49 L61,34", 1.8, INK)
    canvas.line("M47,55 L54,66", 0.8, palette.base)
    canvas.fill(ellipse(50, 49, 2.4), palette.base)
    gloss(canvas, ellipse(50, 49, 25.5), "M28,46 C30,32 42,25 54,25 L34,62 C29,58 28,52 28,46 Z", opacity=0.4, blur=0.4)


def draw_sunglasses(canvas: Canvas, palette: Palette) -> None:
    """Big round sunglasses from the front, the arms folded open behind."""
    for path in ("M10,50 C12,40 20,36 30,38", "M90,50 C88,40 80,36 70,38"):
        canvas.line(path, 3.0, palette.deep)
    left = svg("M4,52 C6,45 20,42 34,44 C46,46 48,54 46,68 C44,84 32,90 22,88 C8,86 2,68 4,52 Z")
    right = svg("M96,52 C94,45 80,42 66,44 C54,46 52,54 54,68 C56,84 68,90 78,88 C92,86 98,68 96,52 Z")
    canvas.line("M42,54 C47,48 53,48 58,54", 5.0, across(42, 58, palette.light, palette.base))
    lenses = (
        svg("M10,55 C12,50 22,48 33,50 C41,51 42,57 41,67 C39,79 31,84 23,83 C12,81 8,66 10,55 Z"),
        svg("M90,55 C88,50 78,48 67,50 C59,51 58,57 59,67 C61,79 69,84 77,83 C88,81 92,66 90,55 Z"),
    )
    for frame, lens, x in zip((left, right), lenses, (8, 57), strict=True):
        canvas.fill(frame, down(42, 90, palette.light, palette.base, palette.dark))
        gloss(
            canvas,
            frame,
            f"M{x},50 C{x + 8},45.5 {x + 18},45 {x + 26},46.5 L{x + 26},48 C{x + 16},47 {x + 8},48 {x},53 Z",
            opacity=0.75,
            blur=0.5,
        )
        tint = mix(palette.deep, INK, 0.65)
        canvas.fill(lens, down(48, 84, INK, tint, mix(tint, palette.light, 0.5)))
        gloss(canvas, lens, f"M{x + 6},72 L{x + 18},50 L{x + 25},50 L{x + 12},78 Z", opacity=0.4, blur=0.4)
        gloss(canvas, lens, f"M{x + 16},79 L{x + 29},54 L{x + 31},57 L{x + 19},80 Z", opacity=0.25, blur=0.4)


def draw_hat(canvas: Canvas, palette: Palette) -> None:
    """A wide-brimmed sun hat with a ribbon."""
    brim = svg("M2,78 C4,66 28,62 50,62 C72,62 96,66 98,78 C99,90 74,95 50,95 C26,95 1,90 2,78 Z")
    canvas.fill(brim, down(62, 96, palette.light, palette.base, palette.dark))
    with canvas.clipped(brim):
        for i in range(4):
            y, spread = 76 + i * 4.2, 26 + i * 7
            path = f"M{50 - spread},{y - 4} C{50 - spread / 2},{y + 3} {50 + spread / 2},{y + 3} {50 + spread},{y - 4}"
            canvas.line(path, 0.7, seen_through(palette.deep, 0.35))
        canvas.fill(ellipse(50, 74, 34, 8), seen_through(palette.deep, 0.55), blur=2.5)
    crown = svg("M22,72 C20,48 28,26 42,24 C48,23 52,26 58,24 C72,25 80,48 78,72 C66,79 34,79 22,72 Z")
    ball(canvas, crown, palette, (50, 52), 32)
    with canvas.clipped(crown):
        canvas.fill(svg("M36,26 C44,36 56,36 64,26 C58,22 42,22 36,26 Z"), seen_through(palette.deep, 0.45), blur=1.6)
        ribbon = svg("M18,60 C34,68 66,68 82,60 L82,71 C66,79 34,79 18,71 Z")
        canvas.fill(ribbon, across(20, 80, WHITE, rgb("fbf6ea"), rgb("cfc5b2")))
        canvas.line("M18,60 C34,68 66,68 82,60", 1.3, palette.deep)
        canvas.line("M18,71 C34,79 66,79 82,71", 1.3, palette.deep)
    bow = svg("M68,68 C76,60 86,62 86,68 C86,74 76,75 68,70 C66,80 74,84 78,86 L70,88 C64,82 62,76 64,69 Z")
    canvas.fill(bow, down(62, 88, WHITE, rgb("d9d0bd")))
    foot_shadow(canvas, brim, 90, 100, 0.3)
    gloss(canvas, crown, "M29,56 C30,42 36,32 42,29 C37,38 35,48 35,58 Z", opacity=0.35, blur=1.5)
