"""Things to carry: backpack, handbag, umbrella. Each stands in a square of 100 units, its foot at y = 96."""

from __future__ import annotations

from narrator_ray.demo.canvas import Canvas, across, down
from narrator_ray.demo.colours import BLACK, WHITE, Palette, mix, rgb, seen_through
from narrator_ray.demo.outlines import box, ellipse, svg
from narrator_ray.demo.shapes.shading import cylinder, foot_shadow, gloss, metal


def draw_backpack(canvas: Canvas, palette: Palette) -> None:
    """A rounded backpack with a front pocket, side pockets and a grab loop."""
    canvas.line("M40,14 C40,2 60,2 60,14", 4.0, palette.deep)
    for x, inner in ((12, 26), (74, 88)):
        pocket = box(x, 56, inner, 92, 6)
        canvas.fill(pocket, across(x, inner, palette.dark, palette.deep))
    body = svg(
        "M20,92 C17,70 17,44 21,30 C25,16 36,9 50,9 C64,9 75,16 79,30 C83,44 83,70 80,92 C79,96 76,96 72,96 L28,96 C24,96 21,96 20,92 Z"
    )
    cylinder(canvas, body, palette, 18, 82)
    with canvas.clipped(body):
        canvas.line("M24,44 C26,26 36,18 50,18 C64,18 74,26 76,44", 1.6, seen_through(palette.deep, 0.85))
        canvas.line("M24,43 C26,25 36,17 50,17 C64,17 74,25 76,43", 0.6, seen_through(WHITE, 0.45))
        canvas.fill(box(40, 26, 60, 36, 3), mix(palette.deep, rgb("3a2a20"), 0.4))
        canvas.line("M45,31 L55,31", 1.4, rgb("e7c27d"))
    gloss(canvas, body, "M26,46 C27,32 34,23 42,20 C36,28 32,38 31,54 Z", opacity=0.4, blur=1.4)
    pocket = svg("M27,54 L73,54 C76,66 76,80 74,88 C73,92 70,93 66,93 L34,93 C30,93 27,92 26,88 C24,80 24,66 27,54 Z")
    canvas.fill(pocket, seen_through(BLACK, 0.28), blur=1.6)
    canvas.fill(pocket, down(54, 94, palette.light, palette.base, palette.dark))
    with canvas.clipped(pocket):
        canvas.fill(svg("M22,50 L78,50 L78,60 C66,72 34,72 22,60 Z"), down(50, 72, palette.base, palette.dark))
        canvas.line("M23,61 C34,73 66,73 77,61", 0.7, seen_through(WHITE, 0.55))
    for x in (38, 62):
        canvas.fill(box(x - 2.6, 56, x + 2.6, 80, 1.5), across(x - 3, x + 3, rgb("a8713f"), rgb("7a4b26")))
        metal(canvas, box(x - 3.8, 69, x + 3.8, 75, 1), (x - 4, 0), (x + 4, 0))
    foot_shadow(canvas, body, 86, 100)


def draw_handbag(canvas: Canvas, palette: Palette) -> None:
    """A structured handbag with a tall handle and a golden clasp."""
    canvas.line("M28,46 C28,8 72,8 72,46", 4.6, across(26, 74, palette.light, palette.dark))
    canvas.line("M28.6,44 C29,10 71,10 71.4,44", 0.8, seen_through(WHITE, 0.45))
    body = svg("M14,44 C15,41 18,40 22,40 L78,40 C82,40 85,41 86,44 L94,88 C95,94 92,96 87,96 L13,96 C8,96 5,94 6,88 Z")
    canvas.fill(body, across(6, 94, palette.base, palette.light, palette.base, palette.dark))
    foot_shadow(canvas, body, 70, 100, 0.35)
    flap = svg("M14,44 C15,41 18,40 22,40 L78,40 C82,40 85,41 86,44 L88,56 C84,70 66,74 50,74 C34,74 16,70 12,56 Z")
    with canvas.clipped(body):
        canvas.fill(
            svg("M11,58 C18,74 36,78 50,78 C64,78 82,74 89,58 L89,50 L11,50 Z"), seen_through(BLACK, 0.3), blur=1.8
        )
    canvas.fill(flap, down(40, 75, palette.light, palette.base))
    with canvas.clipped(flap):
        canvas.line("M14,57 C20,68 36,71.5 50,71.5 C64,71.5 80,68 86,57", 0.6, seen_through(WHITE, 0.6))
    gloss(canvas, flap, "M20,44 L56,44 C44,48 30,52 22,60 Z", opacity=0.4, blur=1.5)
    gold = (rgb("fff0bd"), rgb("e0b04a"), rgb("9b6d1c"))
    canvas.fill(box(42, 67, 58, 80, 3), down(67, 80, *gold))
    canvas.fill(ellipse(50, 73, 2.6), down(70, 76, gold[2], gold[1]))
    for x in (28, 72):
        canvas.fill(ellipse(x, 45, 3.6), down(41, 49, *gold))
        canvas.fill(ellipse(x, 45, 1.6), palette.dark)


def draw_umbrella(canvas: Canvas, palette: Palette) -> None:
    """An open umbrella with a curved wooden handle."""
    wood = across(44, 56, rgb("d79a5b"), rgb("8a5426"))
    canvas.line("M50,10 L50,84 C50,97 36,97 36,86", 3.2, wood)
    canvas.line("M50,60 L50,84 C50,97 36,97 36,86", 4.4, wood)
    canvas.line("M49,62 L49,82", 0.9, seen_through(WHITE, 0.45))
    canopy = svg(
        "M2,54 C4,26 26,10 50,10 C74,10 96,26 98,54 C92,48 84,48 79,54 C73,48 66,48 60,54"
        " C56,49 44,49 40,54 C34,48 27,48 21,54 C16,48 8,48 2,54 Z"
    )
    canvas.fill(canopy, across(2, 98, palette.light, palette.base, palette.dark))
    with canvas.clipped(canopy):
        canvas.fill(svg("M50,10 C30,14 20,34 21,58 L40,58 C38,36 42,20 50,10 Z"), seen_through(palette.glint, 0.35))
        canvas.fill(svg("M50,10 C62,22 64,40 60,58 L79,58 C80,36 70,16 50,10 Z"), seen_through(palette.deep, 0.3))
        canvas.fill(svg("M50,10 C76,14 96,34 99,58 L79,58 C80,36 70,16 50,10 Z"), seen_through(palette.deep, 0.45))
        for path in (
            "M50,10 C30,14 20,34 21,56",
            "M50,10 C42,22 38,38 40,56",
            "M50,10 C58,22 62,38 60,56",
            "M50,10 C70,14 80,34 79,56",
        ):
            canvas.line(path, 0.7, seen_through(palette.deep, 0.6))
        canvas.shade(down(40, 58, seen_through(BLACK, 0.0), seen_through(BLACK, 0.22)))
    gloss(canvas, canopy, "M14,40 C18,26 28,18 38,15 C28,24 22,32 20,42 Z", opacity=0.45, blur=1.6)
    metal(canvas, box(48.8, 3, 51.2, 11, 1.2), (48.8, 0), (51.2, 0))
