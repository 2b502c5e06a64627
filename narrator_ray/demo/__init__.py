"""The synthetic storefront: draws product films whose truth is known, for the demo, for tests and for training."""

from narrator_ray.demo.catalog import STOREFRONT_VERSION, write_catalog
from narrator_ray.demo.film import draw_video
from narrator_ray.demo.storyboard import Shot, Storyboard, make_storyboard, split_of

__all__ = ["STOREFRONT_VERSION", "Shot", "Storyboard", "draw_video", "make_storyboard", "split_of", "write_catalog"]
