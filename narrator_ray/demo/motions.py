"""How product and camera move during a shot: a pose for every moment. Pure numbers, no pictures.

Every motion shows within two pictures taken a second apart; no repeating motion has a period that divides a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from narrator_ray.demo.storyboard import FPS, Shot

_ZOOM = 1.45
_SLIDE_PX = 92.0
_PAN_PX = 26.0
_SWING_DEG = 15.0
_SWING_PERIOD_S = 1.72
BOUNCE_PX = 62.0
"""How high a product bounces, in pixels."""
_BOUNCE_PERIOD_S = 1.36
_SQUASH = 0.07


@dataclass(frozen=True, slots=True)
class Pose:
    """Where things are at one moment; lengths in pixels of the finished film.

    Attributes:
        shift_px: Product's way from the middle, to the right.
        lift_px: Product's height above the ground.
        turn_deg: Product's turn about its foot, clockwise.
        stretch: Product's height relative to its usual one; its width changes the other way round.
        pan_px: Camera's way from the middle, to the right.
        zoom: How much nearer the camera is than at first.
    """

    shift_px: float = 0.0
    lift_px: float = 0.0
    turn_deg: float = 0.0
    stretch: float = 1.0
    pan_px: float = 0.0
    zoom: float = 1.0


def pose_at(shot: Shot, frame: int) -> Pose:
    """The pose in one frame of a shot, counted from 0."""
    return _MOTIONS[shot.motion](shot, frame)


def _zoom_in(shot: Shot, frame: int) -> Pose:
    return Pose(zoom=_ZOOM ** (frame / (shot.num_frames - 1)))


def _slide(shot: Shot, frame: int) -> Pose:
    way = shot.direction * (2 * frame / (shot.num_frames - 1) - 1)
    return Pose(shift_px=way * _SLIDE_PX, pan_px=-way * _PAN_PX)


def _swing(shot: Shot, frame: int) -> Pose:
    turns = frame / FPS / _SWING_PERIOD_S + shot.phase_fraction
    return Pose(turn_deg=_SWING_DEG * math.sin(2 * math.pi * turns))


def _bounce(shot: Shot, frame: int) -> Pose:
    height = abs(math.sin(math.pi * (frame / FPS / _BOUNCE_PERIOD_S + shot.phase_fraction)))
    contact = max(0.0, 1 - height / 0.3)
    return Pose(lift_px=BOUNCE_PX * height, stretch=1 + _SQUASH * (0.35 * height - contact))


_MOTIONS: dict[str, Callable[[Shot, int], Pose]] = {
    "zoom_in": _zoom_in,
    "slide": _slide,
    "swing": _swing,
    "bounce": _bounce,
}
