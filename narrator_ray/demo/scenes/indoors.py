"""Scenes under a roof or in town: kitchen, studio, living room, city at night."""

from __future__ import annotations

from random import Random

from narrator_ray.demo.canvas import Canvas, across, down, glow
from narrator_ray.demo.colours import WHITE, Colour, mix, rgb, seen_through
from narrator_ray.demo.outlines import box, ellipse, polygon, svg
from narrator_ray.demo.scenes.scenery import HEIGHT, WIDTH, boards, bokeh, fern, lantern, stars, vignette


def draw_kitchen(canvas: Canvas, rng: Random) -> None:
    """Mint tiles, a sunny window, jars on a shelf, a wooden counter."""
    canvas.shade(down(0, 300, rgb("fff6e2"), rgb("f7e3bd")))
    _tiles(canvas, rng)
    window_x = rng.choice((52.0, 378.0))
    _window(canvas, window_x)
    shelf_x = 330.0 if window_x < 200 else 40.0
    _shelf(canvas, rng, shelf_x)
    for i in range(4):
        x = 236 + i * 26
        canvas.line(f"M{x},26 L{x},52", 2.2, rgb("a9763f"))
        canvas.fill(ellipse(x, 62, 7, 11), across(x - 7, x + 7, rgb("c9945a"), rgb("8b5a2b")))
    canvas.line("M222,26 L330,26", 3.2, rgb("6b4a2c"))
    canvas.soften(1.0)
    boards(canvas, rng, 284, rgb("c98a4e"))
    _fruit_bowl(canvas, 78 if window_x > 200 else 486, 300)
    canvas.shade(glow(window_x + 70, 90, 300, rgb("fff2c0"), 0.5))


def _tiles(canvas: Canvas, rng: Random) -> None:
    for row in range(6):
        y = 128 + row * 26
        for column in range(-1, 11):
            x = column * 56 + (28 if row % 2 else 0)
            tone = mix(rgb("a9d9c6"), rgb("d3efe2"), rng.random())
            canvas.fill(box(x + 1, y + 1, x + 55, y + 25, 2), down(y, y + 26, mix(tone, WHITE, 0.4), tone))


def _window(canvas: Canvas, x: float) -> None:
    canvas.fill(box(x - 8, 14, x + 138, 170, 4), rgb("fffaf0"))
    canvas.fill(box(x, 22, x + 130, 160), down(22, 160, rgb("8fd0f5"), rgb("e6f6ff")))
    canvas.fill(svg(f"M{x},140 C{x + 40},112 {x + 80},140 {x + 130},120 L{x + 130},160 L{x},160 Z"), rgb("8ecb7a"))
    canvas.line(f"M{x + 65},22 L{x + 65},160", 5, rgb("fffaf0"))
    canvas.line(f"M{x},90 L{x + 130},90", 5, rgb("fffaf0"))
    for left, right, lean in ((x - 12, x + 26, 1), (x + 104, x + 142, -1)):
        curtain = svg(
            f"M{left},12 L{right},12 Q{right - 6 * lean},100 {right - 14 * lean if lean > 0 else right},165 L{left if lean > 0 else left + 14},165 Q{left},100 {left},12 Z"
        )
        canvas.fill(curtain, across(left, right, rgb("ffdf8f"), rgb("fff3cf"), rgb("f5c765"), rgb("fff0c2")))
    canvas.line(f"M{x - 18},12 L{x + 148},12", 4, rgb("8b5a2b"))


def _shelf(canvas: Canvas, rng: Random, x: float) -> None:
    canvas.fill(box(x, 106, x + 180, 116, 2), down(106, 116, rgb("d9a163"), rgb("94622f")))
    fills = ("e0603f", "f2b33d", "7bb661", "c98a4e", "f3e2c0")
    for i in range(5):
        left, height, fill = x + 8 + i * 35, rng.uniform(34, 56), rgb(rng.choice(fills))
        canvas.fill(
            box(left, 106 - height, left + 27, 106, 5), across(left, left + 27, rgb("eaf6f6", 0.9), rgb("c4dcdc", 0.9))
        )
        canvas.fill(
            box(left + 2, 106 - height * 0.7, left + 25, 104, 4), across(left, left + 27, mix(fill, WHITE, 0.3), fill)
        )
        canvas.fill(box(left + 2, 100 - height, left + 25, 108 - height, 2), rgb("9a6a3c"))
        canvas.line(f"M{left + 6},{104 - height * 0.8} L{left + 6},98", 2, seen_through(WHITE, 0.6))


def _fruit_bowl(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(ellipse(x, y + 6, 52, 8), rgb("3a1d08", 0.45), blur=3)
    for u, v, tone in (
        (-24, -30, "f2a33d"),
        (2, -36, "d8432f"),
        (26, -30, "9cc65a"),
        (-10, -46, "f6c945"),
        (16, -48, "f2a33d"),
    ):
        canvas.fill(
            ellipse(x + u, y + v, 16),
            across(x + u - 16, x + u + 16, mix(rgb(tone), WHITE, 0.35), rgb(tone), mix(rgb(tone), (60, 20, 0), 0.4)),
        )
    bowl = svg(
        f"M{x - 50},{y - 30} L{x + 50},{y - 30} C{x + 46},{y} {x + 26},{y + 6} {x},{y + 6} C{x - 26},{y + 6} {x - 46},{y} {x - 50},{y - 30} Z"
    )
    canvas.fill(bowl, across(x - 50, x + 50, rgb("ffffff"), rgb("f0ece4"), rgb("b9b2a6")))
    canvas.line(f"M{x - 47},{y - 20} Q{x},{y - 12} {x + 47},{y - 20}", 2.4, rgb("5b9bb8"))


_BACKDROPS = (("f9d5c4", "eaa58f"), ("d6d0f2", "a99fe0"), ("cfe9e4", "8fc7c0"), ("f8e3b4", "e8bd6f"))


def draw_studio(canvas: Canvas, rng: Random) -> None:
    """A pastel photo studio: arch, round podium, soft spotlights."""
    wall, tone = (rgb(code) for code in rng.choice(_BACKDROPS))
    canvas.shade(down(0, 280, mix(wall, WHITE, 0.15), wall))
    canvas.fill(
        svg("M168,290 L168,150 C168,20 392,20 392,150 L392,290 Z"),
        down(40, 290, mix(tone, WHITE, 0.1), mix(tone, wall, 0.5)),
    )
    canvas.fill(
        svg("M196,290 L196,154 C196,52 364,52 364,154 L364,290 Z"),
        down(60, 290, mix(wall, WHITE, 0.65), mix(wall, WHITE, 0.25)),
    )
    canvas.fill(box(0, 272, WIDTH, HEIGHT), down(272, HEIGHT, mix(tone, WHITE, 0.25), mix(tone, wall, 0.25)))
    canvas.fill(box(0, 268, WIDTH, 280), seen_through(mix(tone, (60, 30, 40), 0.3), 0.25), blur=5)
    for x, lean in ((70, 1), (490, -1)):
        beam = polygon((x - 8, -10), (x + 8, -10), (x + lean * 190 + 90, 320), (x + lean * 190 - 90, 320))
        canvas.fill(beam, down(0, 320, seen_through(WHITE, 0.38), seen_through(WHITE, 0.0)), blur=7)
    for x, y, radius in ((92, 318, 30), (486, 312, 38), (440, 334, 15), (132, 338, 13)):
        _sphere(canvas, x, y, radius, mix(tone, WHITE, 0.2))
    canvas.fill(ellipse(280, 366, 190, 22), seen_through(mix(tone, (50, 20, 40), 0.5), 0.45), blur=8)
    side = svg("M110,334 L110,362 C110,388 450,388 450,362 L450,334 Z")
    canvas.fill(
        side, across(110, 450, mix(wall, WHITE, 0.35), mix(wall, WHITE, 0.75), tone, mix(tone, (60, 20, 40), 0.25))
    )
    canvas.fill(ellipse(280, 334, 170, 24), across(110, 450, WHITE, mix(wall, WHITE, 0.7), mix(wall, WHITE, 0.35)))


def _sphere(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    canvas.fill(ellipse(x + radius * 0.2, y + radius * 0.9, radius * 1.1, radius * 0.3), rgb("4a2a3a", 0.35), blur=4)
    ball = ellipse(x, y, radius)
    canvas.fill(ball, down(y - radius, y + radius, mix(colour, WHITE, 0.4), colour, mix(colour, (60, 20, 40), 0.3)))
    with canvas.clipped(ball):
        canvas.shade(glow(x - radius * 0.4, y - radius * 0.5, radius * 0.9, WHITE, 0.8))


def draw_living_room(canvas: Canvas, rng: Random) -> None:
    """A deep teal wall with pictures, a sofa, a floor lamp and a table in front."""
    canvas.shade(down(0, 260, rgb("1f5560"), rgb("2f7078")))
    canvas.fill(box(0, 236, WIDTH, 246), rgb("e8dcc6"))
    canvas.fill(box(0, 246, WIDTH, HEIGHT), down(246, 320, rgb("a86b3d"), rgb("7d4a26")))
    for x, top, width, height in ((196, 34, 56, 70), (262, 26, 78, 54), (262, 88, 36, 40), (304, 88, 36, 40)):
        _picture(canvas, rng, x, top, width, height)
    mirrored = rng.random() < 0.5
    _sofa(canvas, 128 if mirrored else 180, rng.choice(("d98a3d", "c25b4e", "b9a06a")))
    lamp_x = 486.0 if mirrored else 74.0
    canvas.line(f"M{lamp_x},120 L{lamp_x},276", 3.2, rgb("c79a4b"))
    canvas.fill(ellipse(lamp_x, 278, 22, 5), rgb("8d6426"))
    canvas.shade(glow(lamp_x, 104, 230, rgb("ffd98a"), 0.85))
    shade = svg(f"M{lamp_x - 18},74 L{lamp_x + 18},74 L{lamp_x + 32},122 L{lamp_x - 32},122 Z")
    canvas.fill(shade, down(74, 122, rgb("fff1c9"), rgb("ffd27a")))
    plant_x = 56.0 if mirrored else 508.0
    for lean in (-62, -38, -14, 12, 36, 60):
        fern(canvas, plant_x, 240, 104, lean, rgb("3f9a5c"))
    canvas.fill(
        svg(f"M{plant_x - 26},234 L{plant_x + 26},234 L{plant_x + 19},286 L{plant_x - 19},286 Z"),
        across(plant_x - 26, plant_x + 26, rgb("f2e6d2"), rgb("bfa98a")),
    )
    canvas.soften(1.2)
    _round_table(canvas, rng)
    vignette(canvas, rgb("06181c"), 0.45)


def _picture(canvas: Canvas, rng: Random, x: float, y: float, width: float, height: float) -> None:
    canvas.fill(box(x + 2, y + 3, x + width + 3, y + height + 4), rgb("06181c", 0.45), blur=2)
    canvas.fill(box(x, y, x + width, y + height), rgb("e9c98a"))
    inner = box(x + 4, y + 4, x + width - 4, y + height - 4)
    canvas.fill(inner, rgb("fbf5e8"))
    with canvas.clipped(inner):
        tones = [rgb(code) for code in ("e07a5f", "81b29a", "f2cc8f", "3d405b")]
        rng.shuffle(tones)
        canvas.fill(ellipse(x + width * 0.6, y + height * 0.4, width * 0.2), tones[0])
        hill = svg(
            f"M{x},{y + height * 0.7} Q{x + width * 0.3},{y + height * 0.4} {x + width},{y + height * 0.75} L{x + width},{y + height} L{x},{y + height} Z"
        )
        canvas.fill(hill, tones[1])
        canvas.fill(ellipse(x + width * 0.25, y + height * 0.95, width * 0.4, height * 0.2), tones[2])


def _sofa(canvas: Canvas, x: float, tone: str) -> None:
    colour = rgb(tone)
    light, dark = mix(colour, WHITE, 0.25), mix(colour, (40, 10, 10), 0.4)
    canvas.fill(ellipse(x + 125, 284, 145, 10), rgb("1e0d05", 0.5), blur=5)
    canvas.fill(box(x + 6, 146, x + 244, 250, 22), down(146, 250, light, colour))
    for left in (x + 24, x + 127):
        canvas.fill(box(left, 206, left + 99, 250, 10), down(206, 250, light, colour, dark))
    canvas.fill(box(x + 10, 244, x + 240, 280, 8), down(244, 280, colour, dark))
    for left in (x - 14, x + 226):
        canvas.fill(box(left, 184, left + 38, 282, 16), across(left, left + 38, light, colour, dark))
    canvas.fill(box(x + 40, 182, x + 84, 226, 10), down(182, 226, rgb("fbf1dd"), rgb("d8c19a")))


def _round_table(canvas: Canvas, rng: Random) -> None:
    top = ellipse(280, 352, 262, 54)
    canvas.fill(ellipse(280, 366, 268, 56), rgb("1e0d05", 0.5), blur=6)
    canvas.fill(ellipse(280, 360, 262, 54), down(340, 400, rgb("7a4a24"), rgb("4a2912")))
    canvas.fill(top, down(298, 400, rgb("dba870"), rgb("b87b43"), rgb("94592a")))
    with canvas.clipped(top):
        canvas.grain(top, rng.randrange(1 << 30), 0.06, 1.3, stretch=24)
        canvas.fill(ellipse(190, 322, 120, 10), seen_through(WHITE, 0.25), blur=6)
    canvas.fill(box(62, 330, 122, 342, 2), rgb("c25b4e"))
    canvas.fill(box(66, 320, 118, 331, 2), rgb("f2e6d2"))


_NEON = (rgb("ff5fa2"), rgb("4fd2ff"), rgb("ffb347"), rgb("9d7bff"), rgb("fff0b0"))


def draw_city_night(canvas: Canvas, rng: Random) -> None:
    """A skyline with lit windows, a full moon and a wet rooftop with reflections."""
    canvas.shade(down(0, 300, rgb("070b2b"), rgb("1d1a55"), rgb("6a357d")))
    stars(canvas, rng, 70, 170)
    moon_x = rng.uniform(70, 190)
    canvas.shade(glow(moon_x, 66, 120, rgb("cfd8ff"), 0.7))
    canvas.fill(ellipse(moon_x, 66, 25), rgb("f7f4dc"))
    for u, v, radius in ((-8, -5, 5), (7, 6, 6.5), (9, -9, 3)):
        canvas.fill(ellipse(moon_x + u, 66 + v, radius), rgb("d9d4b4", 0.7))
    for depth, tone in enumerate(("3a2f73", "231d52", "120f33")):
        _skyline(canvas, rng, depth, tone)
    canvas.soften(0.8)
    bokeh(canvas, rng, 22, _NEON, (0, 170, WIDTH, 300))
    roof = box(0, 292, WIDTH, HEIGHT)
    canvas.fill(roof, down(292, HEIGHT, rgb("3b3566"), rgb("1f1b42"), rgb("100d28")))
    with canvas.clipped(roof):
        for _ in range(26):
            x, colour = rng.uniform(0, WIDTH), rng.choice(_NEON)
            streak = ellipse(x, rng.uniform(300, 350), rng.uniform(3, 8), rng.uniform(18, 46))
            canvas.fill(streak, seen_through(colour, rng.uniform(0.12, 0.36)), blur=4)
        canvas.shade(glow(280, 330, 210, rgb("b9a6ff"), 0.5, 0.3))
    canvas.line(f"M0,292 L{WIDTH},292", 1.6, rgb("a99ae6", 0.7))
    canvas.line("M-10,20 Q140,80 280,46 Q420,14 570,66", 1.2, rgb("0a0820"))
    for x, y in ((30, 36), (90, 51), (150, 59), (210, 57), (270, 48.5), (330, 40), (390, 35.5), (450, 38), (510, 49)):
        lantern(canvas, x, y + 5, 4, rgb("ffcf6b"))


def _skyline(canvas: Canvas, rng: Random, depth: int, tone: str) -> None:
    x = -20.0
    while x < WIDTH:
        width = rng.uniform(34, 62)
        height = rng.uniform(90, 200) - depth * 34 - (46 if depth == 2 and 160 < x < 380 else 0)
        top = 300 - max(height, 30)
        canvas.fill(box(x, top, x + width - 2, 300), down(top, 300, rgb(tone), mix(rgb(tone), rgb("8a4a9a"), 0.25)))
        if depth and rng.random() < 0.5:
            canvas.line(f"M{x + width / 2},{top} L{x + width / 2},{top - 16}", 1.2, rgb(tone))
            canvas.fill(ellipse(x + width / 2, top - 17, 1.6), rgb("ff5f5f"))
        _windows(canvas, rng, x, top, width)
        x += width


def _windows(canvas: Canvas, rng: Random, left: float, top: float, width: float) -> None:
    lit = [
        box(left + 6 + column * 9, top + 8 + row * 12, left + 11 + column * 9, top + 14 + row * 12).rings[0]
        for column in range(int((width - 10) / 9))
        for row in range(int((290 - top) / 12))
        if rng.random() < 0.45
    ]
    if lit:
        canvas.fill(type(box(0, 0, 1, 1))(tuple(lit)), rgb("ffd98a", 0.85))
