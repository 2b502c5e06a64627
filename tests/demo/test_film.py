"""Films: everything draws, and what is drawn differs where the truth differs."""

import numpy as np
import pytest

from narrator_ray.demo.film import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, draw_shot
from narrator_ray.demo.splits import colour_names
from narrator_ray.demo.storyboard import Shot, form_names, motion_names, scene_names


def frames(**changes: object) -> list[np.ndarray]:
    """First, middle and last picture of a short shot."""
    shot = Shot(**{"form": "mug", "colour": "red", "scene": "studio", "motion": "slide", "num_frames": 9, **changes})
    pictures = list(draw_shot(shot))
    assert len(pictures) == 9
    return [np.array(pictures[index]) for index in (0, 4, 8)]


def difference(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    """Mean difference of two shots in grey levels."""
    return float(np.mean([np.abs(a.astype(float) - b).mean() for a, b in zip(first, second, strict=True)]))


@pytest.mark.parametrize("form", form_names())
def test_every_form_can_be_drawn(form):
    """Every product can be drawn, at the promised size, and looks unlike a mug."""
    pictures = frames(form=form)
    assert pictures[0].shape == (FRAME_HEIGHT_PX, FRAME_WIDTH_PX, 3)
    assert form == "mug" or difference(pictures, frames()) > 1


@pytest.mark.parametrize(
    ("name", "values"), [("colour", colour_names()), ("scene", scene_names()), ("motion", motion_names())]
)
def test_every_attribute_can_be_seen(name, values):
    """No two colours, scenes or motions look the same."""
    shots = [frames(**{name: value}) for value in values]
    for index, shot in enumerate(shots):
        assert all(difference(shot, other) > 0.5 for other in shots[:index])


def test_single_pictures_are_those_of_the_whole_shot():
    """Asked for some frames, a shot draws the same pictures as when it draws all."""
    for motion in motion_names():
        shot = Shot("mug", "red", "studio", motion, 9, phase_fraction=0.3)
        everything = list(draw_shot(shot))
        some = list(draw_shot(shot, [2, 7]))
        assert [(picture == everything[index]).all() for picture, index in zip(some, (2, 7), strict=True)] == [
            True,
            True,
        ]
