"""The drawn scenes: one function per scene, by name.

A scene is drawn a little larger than the film's frame; the random stream it is given moves its small things about.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from narrator_ray.demo.canvas import Canvas
from narrator_ray.demo.scenes.indoors import draw_city_night, draw_kitchen, draw_living_room, draw_studio
from narrator_ray.demo.scenes.outdoors import draw_beach, draw_forest, draw_lavender_field, draw_snowy_mountains

DRAW_SCENE: dict[str, Callable[[Canvas, Random], None]] = {
    "beach": draw_beach,
    "city_night": draw_city_night,
    "forest": draw_forest,
    "kitchen": draw_kitchen,
    "lavender_field": draw_lavender_field,
    "living_room": draw_living_room,
    "snowy_mountains": draw_snowy_mountains,
    "studio": draw_studio,
}
"""Painter of each scene: draws on a canvas of scenery.WIDTH x scenery.HEIGHT units."""
