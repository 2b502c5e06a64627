"""The synthetic storefront: draws product films whose truth is known, for the demo, for tests and for training.

For training there are also goods that it does not sell, of which there are data and scripts but no pictures.
"""

from narrator_ray.demo.catalog import STOREFRONT_VERSION, write_catalog
from narrator_ray.demo.film import draw_video
from narrator_ray.demo.films import Film, draw_frames, make_film, training_films
from narrator_ray.demo.splits import Split
from narrator_ray.demo.storyboard import Shot, Storyboard, make_storyboard

__all__ = [
    "STOREFRONT_VERSION",
    "Film",
    "Shot",
    "Split",
    "Storyboard",
    "draw_frames",
    "draw_video",
    "make_film",
    "make_storyboard",
    "training_films",
    "write_catalog",
]
