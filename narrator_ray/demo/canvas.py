"""A small painter on PIL: antialiased outlines filled with gradients, soft shadows, clipping and grain.

Knows nothing of products or scenes. Positions and lengths are in the drawing's units; ``px_per_unit`` says how many
pixels a unit has. Colours are (red, green, blue[, opacity]) with 0-255 channels and opacity 0-1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from narrator_ray.demo.colours import Colour
from narrator_ray.demo.outlines import Outline, Point, box, stroke

_SUPERSAMPLE = 2
_LEVELS = 256
_Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Linear:
    """A gradient along the line from ``start`` to ``end``; stops are (place 0-1, colour)."""

    start: Point
    end: Point
    stops: tuple[tuple[float, Colour], ...]


@dataclass(frozen=True, slots=True)
class Radial:
    """A gradient from ``centre`` outwards to ``radius``; ``squash`` below 1 flattens it vertically."""

    centre: Point
    radius: float
    stops: tuple[tuple[float, Colour], ...]
    squash: float = 1.0


Paint = Colour | Linear | Radial


def down(top: float, bottom: float, *colours: Colour) -> Linear:
    """Evenly spaced colours from top to bottom."""
    return Linear((0, top), (0, bottom), _spread(colours))


def across(left: float, right: float, *colours: Colour) -> Linear:
    """Evenly spaced colours from left to right."""
    return Linear((left, 0), (right, 0), _spread(colours))


def glow(x: float, y: float, radius: float, colour: Colour, opacity: float = 1.0, squash: float = 1.0) -> Radial:
    """Light that fades outwards to nothing."""
    levels = ((0.0, 1.0), (0.25, 0.62), (0.5, 0.28), (0.75, 0.08), (1.0, 0.0))
    return Radial((x, y), radius, tuple((place, (*colour[:3], opacity * part)) for place, part in levels), squash)


def _spread(colours: Sequence[Colour]) -> tuple[tuple[float, Colour], ...]:
    return tuple((i / max(len(colours) - 1, 1), colour) for i, colour in enumerate(colours))


class Canvas:
    """A picture in the making, transparent at first."""

    def __init__(self, width: float, height: float, px_per_unit: float) -> None:
        self.image = Image.new("RGBA", (round(width * px_per_unit), round(height * px_per_unit)))
        self._px_per_unit = px_per_unit
        self._clip: Image.Image | None = None

    def fill(self, shape: Outline, paint: Paint, *, blur: float = 0.0, opacity: float = 1.0) -> None:
        """Paint a shape; ``blur`` softens its border, in units."""
        region = self._region(shape, blur)
        if region is None:
            return
        self._blend(self._layer(paint, region, opacity), self._mask(shape, region, blur), region)

    def line(self, path: str | Sequence[Point], width: float, paint: Paint, *, blur: float = 0.0) -> None:
        """Paint a thick line with round ends along an SVG path or points."""
        self.fill(stroke(path, width), paint, blur=blur)

    def shade(self, paint: Paint) -> None:
        """Paint over everything that the clip lets through."""
        size = self.image.size
        right, bottom = size[0] / self._px_per_unit, size[1] / self._px_per_unit
        self.fill(box(0, 0, right, bottom), paint)

    @contextmanager
    def clipped(self, shape: Outline) -> Iterator[None]:
        """Inside the block only what lies within the shape is painted."""
        before = self._clip
        mask = self._mask(shape, (0, 0, *self.image.size), 0.0)
        self._clip = mask if before is None else ImageChops.multiply(mask, before)
        try:
            yield
        finally:
            self._clip = before

    def grain(self, shape: Outline, seed: int, strength: float, size: float = 1.0, stretch: float = 1.0) -> None:
        """Roughen a surface: light and dark specks of ``size`` units, drawn out sideways by ``stretch``."""
        region = self._region(shape, 0.0)
        if region is None:
            return
        width, height = region[2] - region[0], region[3] - region[1]
        cell = max(size * self._px_per_unit, 1.0)
        cells = (math.ceil(height / cell) + 1, math.ceil(width / (cell * stretch)) + 1)
        noise = np.random.default_rng(seed).normal(0.0, strength, cells)
        specks = Image.fromarray(noise.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
        levels = np.asarray(specks)
        layer = np.zeros((height, width, 4), np.uint8)
        layer[..., :3] = np.where(levels > 0, 255, 0)[..., None]
        layer[..., 3] = np.clip(np.abs(levels) * 255, 0, 120)
        self._blend(Image.fromarray(layer), self._mask(shape, region, 0.0), region)

    def soften(self, radius: float) -> None:
        """Blur everything painted so far, as a lens does with what lies behind its focus; ``radius`` in units."""
        self.image = self.image.filter(ImageFilter.GaussianBlur(radius * self._px_per_unit))

    def _blend(self, layer: Image.Image, mask: Image.Image, region: _Box) -> None:
        if self._clip is not None:
            mask = ImageChops.multiply(mask, self._clip.crop(region))
        layer.putalpha(ImageChops.multiply(layer.getchannel("A"), mask))
        self.image.alpha_composite(layer, region[:2])

    def _region(self, shape: Outline, blur: float) -> _Box | None:
        points = np.array([point for ring in shape.rings for point in ring]) * self._px_per_unit
        margin = 3 * blur * self._px_per_unit + 1
        low, high = np.floor(points.min(0) - margin), np.ceil(points.max(0) + margin)
        left, top = max(int(low[0]), 0), max(int(low[1]), 0)
        right, bottom = min(int(high[0]), self.image.width), min(int(high[1]), self.image.height)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _mask(self, shape: Outline, region: _Box, blur: float) -> Image.Image:
        left, top, right, bottom = region
        zoom = 1 if blur else _SUPERSAMPLE
        factor = self._px_per_unit * zoom
        size = ((right - left) * zoom, (bottom - top) * zoom)
        mask = Image.new("L", size)
        for ring in shape.rings:
            points = [(x * factor - left * zoom, y * factor - top * zoom) for x, y in ring]
            if shape.has_holes:
                part = Image.new("L", size)
                ImageDraw.Draw(part).polygon(points, fill=255)
                mask = ImageChops.difference(mask, part)
            else:
                ImageDraw.Draw(mask).polygon(points, fill=255)
        if blur:
            return mask.filter(ImageFilter.GaussianBlur(blur * self._px_per_unit))
        return mask.reduce(zoom)

    def _layer(self, paint: Paint, region: _Box, opacity: float) -> Image.Image:
        size = (region[2] - region[0], region[3] - region[1])
        if isinstance(paint, Linear | Radial):
            return Image.fromarray(_look_up(paint, self._places(paint, region), opacity))
        alpha = paint[3] if len(paint) > 3 else 1.0
        return Image.new("RGBA", size, (*map(round, paint[:3]), round(255 * alpha * opacity)))

    def _places(self, paint: Linear | Radial, region: _Box) -> npt.NDArray[np.float32]:
        """Place of every pixel of the region along the gradient, 0-1."""
        x = ((np.arange(region[0], region[2]) + 0.5) / self._px_per_unit).astype(np.float32)[None, :]
        y = ((np.arange(region[1], region[3]) + 0.5) / self._px_per_unit).astype(np.float32)[:, None]
        if isinstance(paint, Radial):
            u, v = x - paint.centre[0], (y - paint.centre[1]) / paint.squash
            distances: npt.NDArray[np.float32] = np.clip(np.sqrt(u * u + v * v) / paint.radius, 0, 1)
            return distances
        (x0, y0), (x1, y1) = paint.start, paint.end
        length = (x1 - x0) ** 2 + (y1 - y0) ** 2
        places = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
        return np.clip(places, 0, 1).astype(np.float32)


def _look_up(paint: Linear | Radial, places_HW: npt.NDArray[np.float32], opacity: float) -> npt.NDArray[np.uint8]:
    stops = [place for place, _ in paint.stops]
    colours = np.array([(*colour, 1.0)[:4] for _, colour in paint.stops])
    levels = np.linspace(0, 1, _LEVELS)
    table = np.stack([np.interp(levels, stops, colours[:, channel]) for channel in range(4)], axis=1)
    table[:, 3] *= 255 * opacity
    rgba: npt.NDArray[np.uint8] = np.rint(table).astype(np.uint8)[(places_HW * (_LEVELS - 1)).astype(np.uint8)]
    return rgba
