"""Colours as plain tuples, and the palette a product is painted with.

Knows nothing of pictures. A colour is (red, green, blue) with 0-255 channels, or (red, green, blue, opacity 0-1).
"""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, ...]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


def rgb(code: str, opacity: float = 1.0) -> Colour:
    """The colour of a hex code such as ``e0474c``."""
    channels = tuple(float(int(code[i : i + 2], 16)) for i in (0, 2, 4))
    return channels if opacity == 1.0 else (*channels, opacity)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """``share`` of the other colour, the rest of the first."""
    return tuple(a + (b - a) * share for a, b in zip(one[:3], other[:3], strict=True))


def seen_through(colour: Colour, opacity: float) -> Colour:
    """The same colour with that opacity."""
    return (*colour[:3], opacity)


@dataclass(frozen=True, slots=True)
class Palette:
    """The shades of one product colour, from lit to shadowed."""

    glint: Colour
    light: Colour
    base: Colour
    dark: Colour
    deep: Colour


def _palette(glint: str, light: str, base: str, dark: str, deep: str) -> Palette:
    return Palette(rgb(glint), rgb(light), rgb(base), rgb(dark), rgb(deep))


PALETTES = {
    "red": _palette("ff9a8a", "f0504a", "d92b33", "a81526", "74091b"),
    "orange": _palette("ffd09a", "ffa047", "f57f17", "c95a06", "8c3a02"),
    "yellow": _palette("fff4ae", "ffe052", "f9c80e", "d39c00", "986b00"),
    "green": _palette("a9e8b0", "55c46d", "28a04c", "147636", "0a4f25"),
    "blue": _palette("9fcbff", "4f95f0", "2268d4", "12469f", "0a2c6b"),
    "purple": _palette("d8b5ff", "a56be0", "7d3fc0", "592690", "3a1463"),
    "pink": _palette("ffd6e8", "ff9fc8", "f774ad", "d14a88", "982c61"),
    "white": _palette("ffffff", "fdfcf9", "f1efea", "cfccc7", "9d9a98"),
}
"""Palette by colour name, in the order of the catalogue's colours."""
