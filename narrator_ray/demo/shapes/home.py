"""Things for a room: lamp, chair, ukulele. Each stands in a square of 100 units, its foot at y = 96."""

from __future__ import annotations

from narrator_ray.demo.canvas import Canvas, across, down, glow
from narrator_ray.demo.colours import BLACK, WHITE, Palette, rgb, seen_through
from narrator_ray.demo.outlines import box, ellipse, svg
from narrator_ray.demo.shapes.shading import cylinder, foot_shadow, gloss


def draw_lamp(canvas: Canvas, palette: Palette) -> None:
    """A table lamp, lit, with a coloured shade on a brass stand."""
    canvas.shade(glow(50, 46, 50, rgb("ffe9a8"), 0.55))
    stand = svg("M47.5,54 L52.5,54 L53.5,88 L46.5,88 Z")
    canvas.fill(stand, across(46, 54, rgb("fff0bd"), rgb("d9a441"), rgb("8d611a")))
    for y, radius in ((62, 5.2), (74, 7.0)):
        canvas.fill(ellipse(50, y, radius), across(50 - radius, 50 + radius, palette.light, palette.base, palette.deep))
        canvas.fill(ellipse(50 - radius * 0.35, y - radius * 0.4, radius * 0.25), seen_through(WHITE, 0.7), blur=0.4)
    foot = svg("M28,94 C28,88 40,86 50,86 C60,86 72,88 72,94 C72,96 70,96 66,96 L34,96 C30,96 28,96 28,94 Z")
    canvas.fill(foot, across(28, 72, rgb("fff0bd"), rgb("d9a441"), rgb("8d611a")))
    shade = svg("M33,10 C44,7 56,7 67,10 L86,50 C70,57 30,57 14,50 Z")
    cylinder(canvas, shade, palette, 14, 86)
    with canvas.clipped(shade):
        canvas.shade(glow(48, 46, 34, rgb("fff3c4"), 0.75))
        for top, bottom in ((40, 30), (46.5, 43), (53.5, 57), (60, 70)):
            canvas.line(f"M{top},7 L{bottom},58", 0.5, seen_through(palette.deep, 0.35))
        canvas.line("M14,48.5 C30,55.5 70,55.5 86,48.5", 2.2, seen_through(WHITE, 0.8))
        canvas.line("M32,11 C44,8.5 56,8.5 68,11", 1.6, seen_through(WHITE, 0.7))


def draw_chair(canvas: Canvas, palette: Palette) -> None:
    """An upholstered armchair on wooden legs."""
    for path in ("M22,84 L17,96", "M78,84 L83,96", "M34,86 L33,95", "M66,86 L67,95"):
        canvas.line(path, 4.0, across(15, 85, rgb("b87a42"), rgb("7a4a22")))
    back = svg("M22,70 C17,44 18,18 28,11 C40,5 60,5 72,11 C82,18 83,44 78,70 Z")
    cylinder(canvas, back, palette, 18, 82)
    with canvas.clipped(back):
        for x in (37, 50, 63):
            for y in (24, 38):
                canvas.fill(ellipse(x, y, 4.2), seen_through(palette.deep, 0.4), blur=1.6)
                canvas.fill(ellipse(x, y, 1.3), seen_through(palette.deep, 0.9))
        canvas.line(
            "M24,66 C20,42 21,21 30,14.5 C41,9 59,9 70,14.5 C79,21 80,42 76,66", 0.7, seen_through(palette.glint, 0.8)
        )
        canvas.shade(down(46, 68, seen_through(BLACK, 0.0), seen_through(BLACK, 0.35)))
    gloss(canvas, back, "M26,44 C25,30 28,19 34,16 C31,26 31,36 32,48 Z", opacity=0.4, blur=1.4)
    seat = box(20, 58, 80, 76, 7)
    canvas.fill(seat, down(57, 77, palette.light, palette.base, palette.dark))
    gloss(canvas, seat, "M28,61 L68,61 L66,63.5 L30,63.5 Z", opacity=0.4, blur=1.0)
    front = box(20, 74, 80, 88, 4)
    canvas.fill(front, down(74, 89, palette.dark, palette.deep))
    for left, right in ((8, 27), (73, 92)):
        arm = svg(
            f"M{left},54 C{left},45 {right},45 {right},54 L{right - 1},86 C{right - 1},89 {left + 1},89 {left + 1},86 Z"
        )
        cylinder(canvas, arm, palette, left, right)
        canvas.fill(ellipse((left + right) / 2, 53, 7.4, 5.2), down(48, 59, palette.glint, palette.base))
        foot_shadow(canvas, arm, 70, 92, 0.3)


def draw_ukulele(canvas: Canvas, palette: Palette) -> None:
    """A small guitar with four strings, upright."""
    neck = svg("M45.5,16 L54.5,16 L55.5,58 L44.5,58 Z")
    canvas.fill(neck, across(44, 56, rgb("8a5a33"), rgb("5c371b")))
    head = svg("M43,2 C47,0 53,0 57,2 L55.5,18 L44.5,18 Z")
    canvas.fill(head, across(43, 57, rgb("a06c3f"), rgb("5c371b")))
    for y in (5, 11):
        for x in (40.2, 59.8):
            canvas.fill(ellipse(x, y, 2.8, 2.0), down(y - 2, y + 2, rgb("fff0bd"), rgb("b98528")))
    body = svg(
        "M50,44 C62,40 71,46 70,55 C69,61 66,62 67,67 C77,70 79,80 76,87 C72,95 60,96 50,96"
        " C40,96 28,95 24,87 C21,80 23,70 33,67 C34,62 31,61 30,55 C29,46 38,40 50,44 Z"
    )
    canvas.fill(body, across(22, 78, palette.light, palette.base, palette.dark))
    foot_shadow(canvas, body, 78, 100, 0.3)
    with canvas.clipped(body):
        canvas.line(
            "M50,46 C61,42.5 68,47.5 67.5,55 C67,61 63,63 65,68 C74,71 76,79 73.5,86 C70,93 60,93.5 50,93.5"
            " C40,93.5 30,93 26.5,86 C24,79 26,71 35,68 C37,63 33,61 32.5,55 C32,47.5 39,42.5 50,46",
            0.9,
            seen_through(WHITE, 0.75),
        )
    gloss(canvas, body, "M28,84 C26,76 30,71 36,70 C32,76 31,82 32,89 Z", opacity=0.45, blur=1.2)
    gloss(canvas, body, "M35,55 C34,50 38,47 42,47 C39,50 38,54 39,60 Z", opacity=0.45, blur=1.0)
    canvas.fill(neck, across(44, 56, rgb("8a5a33"), rgb("5c371b")))
    canvas.fill(ellipse(50, 66, 7.6), rgb("e8cf9f"))
    canvas.fill(ellipse(50, 66, 6.4), down(60, 73, rgb("1c0f08"), rgb("4a2b18")))
    for fret_y in (22, 28, 33.5, 38.5, 43, 47, 51, 54.5):
        canvas.line(f"M45,{fret_y} L55,{fret_y}", 0.5, rgb("e9dcc0", 0.8))
    canvas.fill(box(41, 83, 59, 87, 1.5), down(83, 87, rgb("6b4223"), rgb("3d2312")))
    for x in (46.8, 49, 51.2, 53.4):
        canvas.line(f"M{x},5 L{x},85", 0.35, rgb("fffdf2", 0.9))
