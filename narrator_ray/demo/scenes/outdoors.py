"""Scenes under the open sky: beach, forest, snowy mountains, lavender field."""

from __future__ import annotations

import math
from random import Random

from narrator_ray.demo.canvas import Canvas, across, down, glow
from narrator_ray.demo.colours import WHITE, mix, rgb, seen_through
from narrator_ray.demo.outlines import box, ellipse, polygon, star, svg, together
from narrator_ray.demo.scenes.scenery import HEIGHT, WIDTH, cloud, fern, pine, tuft, vignette


def draw_beach(canvas: Canvas, rng: Random) -> None:
    """Golden sand, a turquoise sea, a sail and a palm."""
    canvas.shade(down(0, 200, rgb("3fa9e5"), rgb("8fd3f2"), rgb("fdf3d8")))
    sun_x = rng.uniform(400, 470)
    canvas.shade(glow(sun_x, 66, 190, rgb("fff3b8"), 0.95))
    canvas.fill(ellipse(sun_x, 66, 25), rgb("fffbe0"))
    for x in (90.0, 250.0, 380.0):
        cloud(canvas, x + rng.uniform(-40, 40), rng.uniform(45, 95), rng.uniform(20, 34))
    canvas.fill(box(0, 178, WIDTH, 275), down(178, 262, rgb("0f86b8"), rgb("2fbcc6"), rgb("9be9dc")))
    for _ in range(70):
        y = 182 + 60 * rng.random() ** 1.4
        x, length = rng.uniform(0, WIDTH), rng.uniform(4, 10) * (y - 150) / 60
        canvas.line(((x, y), (x + length, y)), 1.1, seen_through(WHITE, rng.uniform(0.2, 0.6)))
    _sailing_boat(canvas, rng.uniform(130, 200), 184)
    canvas.soften(0.8)
    canvas.fill(svg("M0,250 C120,232 220,262 340,246 C430,236 500,250 560,242 L560,380 L0,380 Z"), rgb("fffdf5", 0.95))
    canvas.fill(svg("M0,256 C120,238 220,268 340,252 C430,242 500,256 560,248 L560,380 L0,380 Z"), rgb("cfa56b"))
    sand = svg("M0,268 C120,250 220,282 340,266 C430,256 500,270 560,262 L560,380 L0,380 Z")
    canvas.fill(sand, down(255, HEIGHT, rgb("fbe7b8"), rgb("f3d08f"), rgb("dfae68")))
    canvas.grain(sand, rng.randrange(1 << 30), 0.07, 0.9)
    canvas.grain(sand, rng.randrange(1 << 30), 0.035, 9, stretch=3)
    starfish = star(105, 346, 15, 7, 5, rng.uniform(0, 72))
    canvas.fill(ellipse(107, 350, 15, 7), rgb("8a5a2b", 0.4), blur=2)
    canvas.fill(starfish, across(90, 120, rgb("ff9a6b"), rgb("e0603f")))
    _shell(canvas, 458, 352)
    _palm(canvas)


def _sailing_boat(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(polygon((x, y - 34), (x, y - 3), (x + 17, y - 3)), WHITE)
    canvas.fill(polygon((x - 2, y - 28), (x - 2, y - 3), (x - 13, y - 3)), rgb("ffe9d6"))
    canvas.fill(svg(f"M{x - 17},{y - 1} L{x + 20},{y - 1} L{x + 13},{y + 6} L{x - 11},{y + 6} Z"), rgb("b4523c"))


def _shell(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(ellipse(x + 2, y + 4, 14, 5), rgb("8a5a2b", 0.4), blur=2)
    form = svg(f"M{x - 14},{y} C{x - 14},{y - 19} {x + 14},{y - 19} {x + 14},{y} L{x},{y + 7} Z")
    canvas.fill(form, down(y - 15, y + 7, rgb("fff4ea"), rgb("f3b9a6")))
    for u in (-9, -4.5, 0, 4.5, 9):
        canvas.line(f"M{x},{y + 6} L{x + u},{y - 12}", 0.7, rgb("d98f7c", 0.8))


def _palm(canvas: Canvas) -> None:
    trunk = svg("M-6,380 C6,300 14,220 44,118 L56,122 C34,222 28,300 22,380 Z")
    canvas.fill(trunk, across(0, 52, rgb("a8794a"), rgb("6f4825")))
    with canvas.clipped(trunk):
        for ring_y in range(130, 380, 15):
            canvas.line(f"M-6,{ring_y} Q20,{ring_y + 9} 60,{ring_y}", 1.6, rgb("4f3117", 0.6))
    fronds = (
        ("236f3c", 200),
        ("2b8449", 168),
        ("2f8f4e", 232),
        ("379c55", 12),
        ("3ba55a", 128),
        ("46b865", -28),
        ("41ae60", 50),
    )
    for colour, bearing in fronds:
        angle = math.radians(bearing)
        x, y = 50 + math.cos(angle) * 112, 118 + abs(math.sin(angle)) * 10 - math.sin(-angle) * 34 + 22
        lift = 46
        leaf = f"M50,118 Q{(50 + x) / 2},{(118 + y) / 2 - lift - 16} {x},{y} Q{(50 + x) / 2 - 4},{(118 + y) / 2 - lift + 14} 50,118 Z"
        canvas.fill(svg(leaf), across(min(x, 50), max(x, 50), mix(rgb(colour), WHITE, 0.2), rgb(colour)))
    for x, y in ((44, 122), (56, 125)):
        canvas.fill(ellipse(x, y, 7.5), across(x - 8, x + 8, rgb("9a6a3c"), rgb("4e2f15")))


def draw_forest(canvas: Canvas, rng: Random) -> None:
    """Tall trunks, shafts of light, ferns and toadstools."""
    canvas.shade(down(0, 300, rgb("7fae5c"), rgb("b9d47d"), rgb("4d7d43")))
    canvas.shade(glow(rng.uniform(250, 340), 120, 260, rgb("fbf6b4"), 0.95))
    for depth, tone in enumerate(("93b566", "5e8a4a", "33602f")):
        _trunks(canvas, rng, 9 - 2 * depth, 9 + 8 * depth, tone, depth)
    for _ in range(5):
        x, width = rng.uniform(120, 480), rng.uniform(18, 42)
        shaft = polygon((x, -10), (x + width, -10), (x - 90 + width * 1.7, 310), (x - 90, 310))
        canvas.fill(shaft, down(0, 300, rgb("fffbd0", 0.42), rgb("fffbd0", 0.0)), blur=5)
    _leaves(canvas, rng)
    canvas.soften(1.1)
    ground = svg("M0,292 C100,272 200,286 300,280 C400,274 480,292 560,278 L560,380 L0,380 Z")
    canvas.fill(ground, down(276, HEIGHT, rgb("6d9a3c"), rgb("47772d"), rgb("27481c")))
    canvas.grain(ground, rng.randrange(1 << 30), 0.1, 1.6)
    for _ in range(26):
        x = rng.uniform(0, WIDTH)
        tuft(canvas, rng, x, 296 + rng.uniform(0, 24), rng.uniform(7, 14), rgb("4f8a34"))
    for x, lean in ((40, -38), (34, -8), (48, 30), (524, 40), (520, 8), (510, -30)):
        fern(canvas, x, 372, rng.uniform(88, 120), lean, rgb("2f7d3b"))
    for x, size in ((98, 1.0), (124, 0.65), (452, 0.8)):
        _toadstool(canvas, x, 356, size)
    vignette(canvas, rgb("0a200c"), 0.5)


def _trunks(canvas: Canvas, rng: Random, count: int, width: float, tone: str, depth: int) -> None:
    for i in range(count):
        x = (i + rng.uniform(0.15, 0.85)) * WIDTH / count
        if depth == 2 and 170 < x < 390:
            continue
        half, foot = width * rng.uniform(0.35, 0.6), 284 + depth * 8
        trunk = polygon((x - half * 0.8, -5), (x + half * 0.8, -5), (x + half * 1.25, foot), (x - half * 1.25, foot))
        canvas.fill(trunk, across(x - half, x + half, mix(rgb(tone), WHITE, 0.18), mix(rgb(tone), rgb("2a1c10"), 0.5)))


def _leaves(canvas: Canvas, rng: Random) -> None:
    for row, tone in enumerate(("2d5f2c", "3f7d38", "64a046")):
        blobs = [
            ellipse(
                x + rng.uniform(-14, 14),
                rng.uniform(-8, 18) + (2 - row) * 11 + 20 * abs(x - 280) / 280,
                rng.uniform(18, 30),
            )
            for x in range(-10, 580, 30)
        ]
        canvas.fill(together(*blobs), rgb(tone, 0.92), blur=1.0)


def _toadstool(canvas: Canvas, x: float, y: float, size: float) -> None:
    stem = svg(
        f"M{x - 5 * size},{y} L{x - 3.5 * size},{y - 20 * size} L{x + 3.5 * size},{y - 20 * size} L{x + 5 * size},{y} Z"
    )
    canvas.fill(stem, across(x - 5 * size, x + 5 * size, rgb("fff8e8"), rgb("d8c6a4")))
    top = y - 17 * size
    cap = svg(
        f"M{x - 17 * size},{top} C{x - 15 * size},{top - 23 * size} {x + 15 * size},{top - 23 * size} {x + 17 * size},{top} Q{x},{top + 5 * size} {x - 17 * size},{top} Z"
    )
    canvas.fill(cap, down(top - 18 * size, top + 3, rgb("e8543c"), rgb("a92a1d")))
    for u, v, r in ((-8, -5, 2.4), (1, -12, 2.8), (8, -5, 2.2), (-1, -3, 1.6)):
        canvas.fill(ellipse(x + u * size, top + v * size, r * size), rgb("fff6ea"))


def draw_snowy_mountains(canvas: Canvas, rng: Random) -> None:
    """White peaks, firs, a lit cabin, falling snow."""
    canvas.shade(down(0, 250, rgb("2f73c9"), rgb("8cc3f0"), rgb("eaf5fd")))
    for x in (110.0, 300.0, 470.0):
        cloud(canvas, x + rng.uniform(-50, 50), rng.uniform(34, 70), rng.uniform(16, 26), 0.7)
    for peak_x, peak_y, half, tone in ((100, 92, 170, "7f9fc9"), (450, 76, 190, "7595c4"), (285, 48, 205, "5f82b6")):
        _peak(canvas, rng, peak_x + rng.uniform(-18, 18), peak_y, half, tone)
    for i in range(15):
        x = i * 40 + rng.uniform(-14, 14)
        pine(canvas, x, 268 + rng.uniform(-4, 6), rng.uniform(42, 66), rgb("3f6f78"), 0.5)
    _cabin(canvas, rng.choice((84, 444)), 276)
    canvas.soften(0.8)
    snow = svg("M0,272 C110,256 190,284 300,272 C400,262 470,282 560,266 L560,380 L0,380 Z")
    canvas.fill(snow, down(262, HEIGHT, rgb("ffffff"), rgb("eaf2fb"), rgb("bdd3ec")))
    with canvas.clipped(snow):
        for x, y in ((60.0, 330.0), (470.0, 318.0), (300.0, 372.0)):
            canvas.fill(ellipse(x, y, 130, 16), rgb("a9c6e8", 0.45), blur=6)
        canvas.grain(snow, rng.randrange(1 << 30), 0.025, 1.0)
    for x, height in ((26.0, 150), (536.0, 170), (500.0, 92), (74.0, 84)):
        pine(canvas, x, 366, height, rgb("2b5a56"), 0.75)
    for _ in range(80):
        x, y, size = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(1.0, 3.0)
        canvas.fill(ellipse(x, y, size), seen_through(WHITE, rng.uniform(0.5, 0.95)), blur=0.4)


def _peak(canvas: Canvas, rng: Random, x: float, y: float, half: float, tone: str) -> None:
    canvas.fill(polygon((x, y), (x + half, 280), (x - half, 280)), down(y, 280, rgb(tone), mix(rgb(tone), WHITE, 0.55)))
    canvas.fill(polygon((x, y), (x + half, 280), (x + half * 0.12, 280), (x + 9, y + 70)), rgb("3f62a0", 0.4))
    drop = [(x, y)]
    for i in range(7):
        share = 0.42 - i * 0.14
        depth = 92 - abs(share) * 20 + (20 if i % 2 else -10) + rng.uniform(-6, 6)
        drop.append((x + share * half * depth / 92 * 0.92, y + depth * (0.72 if i in (0, 6) else 0.8)))
    canvas.fill(polygon(*drop), across(x - 60, x + 60, WHITE, rgb("f4f9ff"), rgb("c3d7ee")))


def _cabin(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(box(x - 24, y - 30, x + 24, y), down(y - 30, y, rgb("9a6238"), rgb("6b4022")))
    canvas.fill(box(x + 10, y - 58, x + 17, y - 36), rgb("7a5a4a"))
    canvas.fill(polygon((x - 33, y - 27), (x, y - 56), (x + 33, y - 27)), rgb("f8fbff"))
    canvas.fill(polygon((x - 24, y - 26), (x, y - 46), (x + 24, y - 26)), rgb("82512e"))
    canvas.fill(ellipse(x, y - 14, 30), glow(x, y - 14, 30, rgb("ffd86b"), 0.8))
    canvas.fill(box(x - 15, y - 22, x - 4, y - 10), rgb("ffe28a"))
    canvas.fill(box(x + 4, y - 22, x + 15, y), rgb("5a351b"))


def draw_lavender_field(canvas: Canvas, rng: Random) -> None:
    """Rows of lavender under a low orange sun."""
    canvas.shade(down(0, 205, rgb("e8596b"), rgb("ff9d5c"), rgb("ffe39a")))
    sun_x = rng.uniform(150, 410)
    canvas.shade(glow(sun_x, 172, 230, rgb("fff0a8"), 0.95))
    canvas.fill(ellipse(sun_x, 172, 38), rgb("fff8d6"))
    for _ in range(5):
        x, y, length = rng.uniform(0, WIDTH), rng.uniform(30, 110), rng.uniform(50, 120)
        canvas.fill(ellipse(x, y, length, 5), rgb("fff0d0", 0.5), blur=3)
    for ridge, tone in (
        ("M0,180 C90,140 170,176 260,158 C360,138 450,176 560,148 L560,230 L0,230 Z", "c07a9c"),
        ("M0,200 C120,168 220,204 330,184 C420,168 500,198 560,182 L560,240 L0,240 Z", "8d5a96"),
    ):
        canvas.fill(svg(ridge), down(150, 230, rgb(tone), mix(rgb(tone), rgb("ffcf8a"), 0.35)))
    canvas.fill(box(0, 206, WIDTH, HEIGHT), down(206, HEIGHT, rgb("8a64b8"), rgb("5f3f95"), rgb("3a2566")))
    canvas.soften(0.9)
    _lavender_rows(canvas, rng)
    path = svg("M268,206 L292,206 L430,380 L130,380 Z")
    canvas.fill(path, down(206, HEIGHT, rgb("d9a878"), rgb("b98454"), rgb("8f5f39")), blur=2)
    canvas.grain(path, rng.randrange(1 << 30), 0.07, 1.4, stretch=2)
    canvas.shade(glow(sun_x, 190, 300, rgb("ffc070"), 0.4))
    vignette(canvas, rgb("2a0f3d"), 0.4)


def _lavender_rows(canvas: Canvas, rng: Random) -> None:
    """Blossoms along lines that meet at the horizon, larger towards the viewer."""
    tones = ("b48ae0", "9a6ad0", "c9a4ee", "7f50bd")
    for step in range(26):
        near = (step / 25) ** 1.7
        y = 210 + 170 * near
        for row in range(-9, 10):
            x = 280 + (row + (0.5 if row >= 0 else -0.5)) * (13 + 92 * near)
            if not -20 < x < WIDTH + 20:
                continue
            size = 1.6 + 11 * near
            x += rng.uniform(-0.4, 0.4) * size
            canvas.fill(
                ellipse(x, y - size * 0.8, size * 0.5, size * 1.5, rng.uniform(-12, 12)), rgb(rng.choice(tones))
            )
            canvas.fill(ellipse(x + size * 0.7, y - size * 0.4, size * 0.4, size * 1.2), rgb(rng.choice(tones)))
