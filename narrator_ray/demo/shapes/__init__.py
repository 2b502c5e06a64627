"""The drawn forms: one function per form, by name.

A form is drawn in one product colour in a square of 100 units. Several product kinds may share a form.
"""

from __future__ import annotations

from collections.abc import Callable

from narrator_ray.demo.canvas import Canvas
from narrator_ray.demo.colours import Palette
from narrator_ray.demo.shapes.carry import draw_backpack, draw_handbag, draw_umbrella
from narrator_ray.demo.shapes.devices import draw_camera, draw_headphones
from narrator_ray.demo.shapes.home import draw_chair, draw_lamp, draw_ukulele
from narrator_ray.demo.shapes.tableware import draw_bottle, draw_mug, draw_plant_pot, draw_teapot
from narrator_ray.demo.shapes.wear import draw_hat, draw_sneakers, draw_sunglasses, draw_watch

DRAW_SHAPE: dict[str, Callable[[Canvas, Palette], None]] = {
    "backpack": draw_backpack,
    "bottle": draw_bottle,
    "camera": draw_camera,
    "chair": draw_chair,
    "handbag": draw_handbag,
    "hat": draw_hat,
    "headphones": draw_headphones,
    "lamp": draw_lamp,
    "mug": draw_mug,
    "plant_pot": draw_plant_pot,
    "sneakers": draw_sneakers,
    "sunglasses": draw_sunglasses,
    "teapot": draw_teapot,
    "ukulele": draw_ukulele,
    "umbrella": draw_umbrella,
    "watch": draw_watch,
}
"""Painter of each form: draws on a canvas of 100 x 100 units."""
