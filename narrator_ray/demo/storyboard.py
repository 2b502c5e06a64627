"""What a film of the storefront shows, shot by shot, decided by one seed. Draws nothing, says nothing.

Lengths are whole frames, so every cut falls exactly between two pictures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Literal

from narrator_ray.demo.tables import kinds, vocabulary

Split = Literal["train", "held_out"]

FPS = 25
"""Pictures a second."""
MIN_SHOT_FRAMES = 63
MAX_SHOT_FRAMES = 150
_MIN_OPENING_FRAMES = 90
_SHOTS = (4, 7)
_SCENE_VARIANTS = 6
_COLOUR_VARIANT_SHARE = 0.15
_HELD_OUT_EVERY = 5


def kind_names() -> tuple[str, ...]:
    """Every product kind."""
    return tuple(kinds())


def colour_names() -> tuple[str, ...]:
    """Every product colour."""
    return tuple(vocabulary().colour)


def scene_names() -> tuple[str, ...]:
    """Every scene."""
    return tuple(vocabulary().scene)


def motion_names() -> tuple[str, ...]:
    """Every motion of camera or product."""
    return tuple(vocabulary().doing)


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot: what is seen, for how long, and the small differences that make every shot its own.

    Attributes:
        kind: Product kind.
        colour: Product colour.
        scene: Where it stands.
        motion: What it or the camera does.
        num_frames: Length in frames.
        scene_variant: Which arrangement of the scene's small things, 0-5.
        size_fraction: Product size relative to its usual one.
        phase_fraction: Where in its cycle a repeating motion starts, 0-1.
        direction: 1 rightwards or -1 leftwards, for motions that have one.
    """

    kind: str
    colour: str
    scene: str
    motion: str
    num_frames: int
    scene_variant: int = 0
    size_fraction: float = 1.0
    phase_fraction: float = 0.0
    direction: int = 1


@dataclass(frozen=True, slots=True)
class Storyboard:
    """A film: its seed, its product as introduced, and its shots in order."""

    seed: int
    kind: str
    colour: str
    shots: tuple[Shot, ...]

    @property
    def num_frames(self) -> int:
        """Length in frames."""
        return sum(shot.num_frames for shot in self.shots)

    @property
    def spans_s(self) -> tuple[tuple[float, float], ...]:
        """Start and end of every shot in seconds."""
        cuts = [0]
        for shot in self.shots:
            cuts.append(cuts[-1] + shot.num_frames)
        return tuple((a / FPS, b / FPS) for a, b in pairwise(cuts))


def split_of(product_kind: str, colour: str) -> Split:
    """Which split a pair of product kind and colour belongs to; about a fifth of every kind's colours is held out.

    The answer for a pair does not change when kinds are added.
    """
    offset = int.from_bytes(hashlib.sha256(product_kind.encode()).digest()[:4], "big")
    held_out = (offset + colour_names().index(colour)) % _HELD_OUT_EVERY == 0
    return "held_out" if held_out else "train"


def colours_of(kind: str, split: Split | None = None) -> tuple[str, ...]:
    """The colours a product kind has in a split (None: in all)."""
    return tuple(colour for colour in colour_names() if split is None or split_of(kind, colour) == split)


def make_storyboard(
    seed: int,
    *,
    split: Split | None = None,
    kind: str | None = None,
    colour: str | None = None,
    num_shots: int | None = None,
) -> Storyboard:
    """The film of a seed: 4-7 shots of one product, each in another scene and with another motion than the one before.

    A shot may show the product in another colour of the same split.

    Args:
        seed: Decides everything that is not given.
        split: Only pairs of kind and colour of this split are shown.
        kind: Product kind, or None to draw one.
        colour: Product colour, or None to draw one.
        num_shots: How many shots, at most as many as there are scenes.
    """
    rng = Random(f"storyboard {seed}")
    kind = kind or rng.choice(kind_names())
    colour = colour or rng.choice(colours_of(kind, split))
    count = num_shots or rng.randint(*_SHOTS)
    scenes, motions = rng.sample(scene_names(), count), _motions(rng, count)
    shots = [_shot(rng, kind, colour, scene, motion) for scene, motion in zip(scenes, motions, strict=True)]
    shots[0] = replace(shots[0], num_frames=max(shots[0].num_frames, _MIN_OPENING_FRAMES))
    others = [other for other in colours_of(kind, split_of(kind, colour)) if other != colour]
    if count > 2 and others and rng.random() < _COLOUR_VARIANT_SHARE:
        place = rng.randrange(1, count - 1)
        shots[place] = replace(shots[place], colour=rng.choice(others))
    return Storyboard(seed, kind, colour, tuple(shots))


def _motions(rng: Random, count: int) -> list[str]:
    """Motions in shuffled rounds, never the same twice in a row."""
    chosen: list[str] = []
    while len(chosen) < count:
        round_ = rng.sample(motion_names(), len(motion_names()))
        if chosen and round_[0] == chosen[-1]:
            round_.reverse()
        chosen += round_
    return chosen[:count]


def _shot(rng: Random, kind: str, colour: str, scene: str, motion: str) -> Shot:
    return Shot(
        kind=kind,
        colour=colour,
        scene=scene,
        motion=motion,
        num_frames=rng.randint(MIN_SHOT_FRAMES, MAX_SHOT_FRAMES),
        scene_variant=rng.randrange(_SCENE_VARIANTS),
        size_fraction=round(rng.uniform(0.88, 1.08), 3),
        phase_fraction=round(rng.random(), 3),
        direction=rng.choice((-1, 1)),
    )
