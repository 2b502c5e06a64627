"""Things on a table: mug, teapot, water bottle, plant pot. Each stands in a square of 100 units, its foot at y = 96."""

from __future__ import annotations

from narrator_ray.demo.canvas import Canvas, across, down
from narrator_ray.demo.colours import BLACK, WHITE, Palette, mix, rgb, seen_through
from narrator_ray.demo.outlines import Outline, box, ellipse, svg
from narrator_ray.demo.shapes.shading import ball, cylinder, foot_shadow, gloss, metal


def draw_mug(canvas: Canvas, palette: Palette) -> None:
    """A coffee mug with a heart and steam."""
    handle = svg("M62,44 C90,34 98,50 92,66 C88,78 76,84 62,82 L62,74 C72,75 81,70 84,62 C87,52 82,47 62,53 Z")
    canvas.fill(handle, across(62, 96, palette.base, palette.light, palette.dark))
    gloss(canvas, handle, "M70,43 C84,39 92,46 91,56 C87,46 80,44 70,47 Z")
    body = svg("M11,32 C12,54 13,70 16,84 C18,93 26,96 40,96 C54,96 62,93 64,84 C67,70 68,54 69,32 Z")
    cylinder(canvas, body, palette, 11, 69)
    foot_shadow(canvas, body, 78, 98)
    gloss(canvas, body, "M17,42 C18,58 20,72 22,80 L27,80 C25,68 24,56 23,42 Z")
    canvas.fill(_heart(40, 62, 1.0), seen_through(mix(palette.glint, WHITE, 0.55), 0.9))
    canvas.fill(ellipse(40, 32, 29, 7.5), down(24, 40, palette.glint, palette.base))
    canvas.fill(ellipse(40, 32.8, 26.2, 5.8), down(26, 39, palette.deep, palette.dark))
    canvas.fill(ellipse(40, 34.2, 23.5, 4.3), down(30, 39, rgb("4a2511"), rgb("8a5128")))
    canvas.fill(ellipse(34, 33.6, 9, 1.4), rgb("d9a066", 0.7), blur=0.6)
    for path in ("M32,27 C25,20 39,15 32,6", "M46,26 C39,19 53,13 46,3"):
        canvas.line(path, 3.2, seen_through(WHITE, 0.5), blur=1.1)


def _heart(x: float, y: float, scale: float) -> Outline:
    def at(u: float, v: float) -> str:
        return f"{x + u * scale:.2f},{y + v * scale:.2f}"

    return svg(f"M{at(0, 9)} C{at(-16, -2)} {at(-9, -13)} {at(0, -5)} C{at(9, -13)} {at(16, -2)} {at(0, 9)} Z")


def draw_teapot(canvas: Canvas, palette: Palette) -> None:
    """A round teapot with a curved spout."""
    spout = svg("M72,62 C84,62 82,46 95,40 L99,44 C94,50 92,72 74,80 Z")
    canvas.fill(spout, down(40, 80, palette.light, palette.base, palette.deep))
    gloss(canvas, spout, "M80,60 C85,56 86,48 94,43 L95,45 C89,50 88,60 82,66 Z")
    handle = svg("M26,50 C2,36 -4,80 28,80 L28,74 C8,74 10,48 26,57 Z")
    canvas.fill(handle, across(3, 28, palette.light, palette.base, palette.dark))
    foot = svg("M34,90 L66,90 L69,96 L31,96 Z")
    canvas.fill(foot, across(31, 69, palette.base, palette.dark, palette.deep))
    body = svg("M50,38 C76,38 84,54 83,68 C82,84 68,93 50,93 C32,93 18,84 17,68 C16,54 24,38 50,38 Z")
    ball(canvas, body, palette, (50, 66), 33)
    with canvas.clipped(body):
        canvas.line("M16,70 C30,80 70,80 84,70", 2.2, seen_through(WHITE, 0.75))
        for x in (26, 38, 50, 62, 74):
            canvas.fill(ellipse(x, 68.5 - abs(x - 50) * 0.07, 2.1), seen_through(WHITE, 0.8))
    gloss(canvas, body, "M27,60 C27,50 36,44 44,44 C36,48 32,54 31,62 Z", opacity=0.8)
    lid = svg("M31,41 C33,30 42,27 50,27 C58,27 67,30 69,41 C60,45 40,45 31,41 Z")
    canvas.fill(lid, down(27, 45, palette.glint, palette.base, palette.dark))
    gloss(canvas, lid, "M37,38 C39,32 44,30 48,30 C44,33 42,36 42,39 Z")
    knob = ellipse(50, 23, 5)
    ball(canvas, knob, palette, (50, 23), 5)
    canvas.line("M32,42 C40,45.5 60,45.5 68,42", 1.0, seen_through(palette.deep, 0.6))


def draw_bottle(canvas: Canvas, palette: Palette) -> None:
    """An insulated water bottle with a steel neck and a loop cap."""
    loop = svg("M40,14 C40,1 60,1 60,14 L55.5,14 C55.5,6.5 44.5,6.5 44.5,14 Z")
    canvas.fill(loop, across(40, 60, rgb("5a5f68"), rgb("2c2f36")))
    cap = box(37, 12, 63, 23, 3)
    canvas.fill(cap, across(37, 63, rgb("474b54"), rgb("787e88"), rgb("33363d"), rgb("1d1f24")))
    for x in (42, 46.5, 51, 55.5):
        canvas.line(f"M{x},14.5 L{x},21", 0.8, seen_through(BLACK, 0.35))
    metal(canvas, box(39, 22, 61, 29), (39, 0), (61, 0))
    body = svg(
        "M39,28 L61,28 C63,35 72,36 72,47 L72,89 C72,94 69,96 65,96 L35,96 C31,96 28,94 28,89 L28,47 C28,36 37,35 39,28 Z"
    )
    cylinder(canvas, body, palette, 28, 72)
    foot_shadow(canvas, body, 80, 98, 0.35)
    with canvas.clipped(body):
        canvas.fill(svg("M27,66 C40,72 60,72 73,66 L73,69 C60,75 40,75 27,69 Z"), seen_through(WHITE, 0.8))
        canvas.fill(svg("M27,71 C40,77 60,77 73,71 L73,72.2 C60,78 40,78 27,72.2 Z"), seen_through(WHITE, 0.55))
        canvas.fill(svg("M50,46 C57,55 57,61 50,61 C43,61 43,55 50,46 Z"), seen_through(WHITE, 0.85))
    gloss(canvas, body, "M34,46 C35,42 38,40 40,38 L42,40 C40,44 39,48 39,54 L39,86 L34,86 Z", opacity=0.5)


def draw_plant_pot(canvas: Canvas, palette: Palette) -> None:
    """A leafy plant in a glazed pot."""
    leaves = (
        ("M50,62 C30,56 14,40 14,22 C32,26 46,42 50,62 Z", "M50,60 C38,48 26,36 16,24"),
        ("M50,62 C70,56 88,42 88,24 C70,28 54,42 50,62 Z", "M50,60 C62,48 74,38 86,26"),
        ("M50,62 C34,42 36,18 50,2 C64,18 66,42 50,62 Z", "M50,60 C50,40 50,24 50,5"),
        ("M48,64 C28,66 12,58 6,46 C24,42 42,50 48,64 Z", "M47,63 C34,56 22,50 8,47"),
        ("M52,64 C72,66 88,60 95,49 C78,44 58,50 52,64 Z", "M53,63 C66,57 78,52 93,49"),
    )
    shades = (
        ("6cbf5a", "2e7d3a"),
        ("5cb052", "256d33"),
        ("8bd66f", "3a9147"),
        ("4f9d4b", "1f5f2e"),
        ("4a9647", "1d5a2b"),
    )
    for (leaf, vein), (light, dark) in zip(leaves, shades, strict=True):
        form = svg(leaf)
        canvas.fill(form, down(5, 66, rgb(light), rgb(dark)))
        with canvas.clipped(form):
            canvas.line(vein, 1.1, rgb("c9efb0", 0.7))
    body = svg("M24,66 L76,66 L70,91 C69,95 66,96 62,96 L38,96 C34,96 31,95 30,91 Z")
    cylinder(canvas, body, palette, 24, 76)
    with canvas.clipped(body):
        zigzag = "M22,82 L29,76 L36,82 L43,76 L50,82 L57,76 L64,82 L71,76 L78,82"
        canvas.line(zigzag, 2.0, seen_through(WHITE, 0.8))
        canvas.fill(box(20, 66, 80, 70), seen_through(palette.deep, 0.5), blur=1.2)
    foot_shadow(canvas, body, 84, 98)
    rim = box(20, 57, 80, 68, 3.5)
    cylinder(canvas, rim, palette, 20, 80)
    gloss(canvas, rim, "M25,59.5 L46,59.5 L46,61.5 L25,61.5 Z", opacity=0.8)
    gloss(canvas, body, "M31,72 L36,72 L38,90 L34,90 Z", opacity=0.4)
