"""What a film of the storefront shows, shot by shot, decided by one seed. Draws nothing, says nothing.

Lengths are whole frames, so every cut falls exactly between two pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from narrator_ray.demo.splits import Split, colours_of, split_of_pair
from narrator_ray.demo.tables import forms, vocabulary

FPS = 25
"""Pictures a second."""
MIN_SHOT_FRAMES = 63
MAX_SHOT_FRAMES = 150
_MIN_OPENING_FRAMES = 90
_SHOTS = (4, 7)
_SCENE_VARIANTS = 6
_COLOUR_VARIANT_SHARE = 0.15
_UNSEEN_SHARE = 0.5
"""How often a film of a held-out split shows a pair of form and colour that training never shows."""


def form_names() -> tuple[str, ...]:
    """Everything that can be drawn as a product."""
    return tuple(forms())


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
        form: Which product is drawn.
        colour: Its colour.
        scene: Where it stands.
        motion: What it or the camera does.
        num_frames: Length in frames.
        scene_variant: Which arrangement of the scene's small things, 0-5.
        size_fraction: Product size relative to its usual one.
        phase_fraction: Where in its cycle a repeating motion starts, 0-1.
        direction: 1 rightwards or -1 leftwards, for motions that have one.
    """

    form: str
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
    form: str
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


def make_storyboard(
    seed: int,
    *,
    split: Split | None = None,
    form: str | None = None,
    colour: str | None = None,
    num_shots: int | None = None,
    max_shot_frames: int = MAX_SHOT_FRAMES,
) -> Storyboard:
    """The film of a seed: 4-7 shots of one product, each in another scene and with another motion than the one before.

    A shot may show the product in another colour of the same split.

    Args:
        seed: Decides everything that is not given.
        split: Only pairs of form and colour that films of this split may show.
        form: What is drawn, or None to draw lots.
        colour: Product colour, or None to draw lots.
        num_shots: How many shots, at most as many as there are scenes.
        max_shot_frames: Length of the longest shots.
    """
    rng = Random(f"storyboard {seed}")
    form = form or rng.choice(form_names())
    colour = colour or rng.choice(_colours(rng, form, split))
    count = num_shots or rng.randint(*_SHOTS)
    scenes, motions = rng.sample(scene_names(), count), _motions(rng, count)
    shots = [
        _shot(rng, form, colour, scene, motion, max_shot_frames) for scene, motion in zip(scenes, motions, strict=True)
    ]
    shots[0] = replace(shots[0], num_frames=max(shots[0].num_frames, _MIN_OPENING_FRAMES))
    others = [other for other in colours_of(form, split_of_pair(form, colour)) if other != colour]
    if count > 2 and others and rng.random() < _COLOUR_VARIANT_SHARE:
        place = rng.randrange(1, count - 1)
        shots[place] = replace(shots[place], colour=rng.choice(others))
    return Storyboard(seed, form, colour, tuple(shots))


def _colours(rng: Random, form: str, split: Split | None) -> tuple[str, ...]:
    """The colours to choose from; a held-out split shows its own in every other film."""
    if split in (None, "train"):
        return colours_of(form, split)
    return colours_of(form, split if rng.random() < _UNSEEN_SHARE else "train")


def _motions(rng: Random, count: int) -> list[str]:
    """Motions in shuffled rounds, never the same twice in a row."""
    chosen: list[str] = []
    while len(chosen) < count:
        round_ = rng.sample(motion_names(), len(motion_names()))
        if chosen and round_[0] == chosen[-1]:
            round_.reverse()
        chosen += round_
    return chosen[:count]


def _shot(rng: Random, form: str, colour: str, scene: str, motion: str, max_frames: int) -> Shot:
    return Shot(
        form=form,
        colour=colour,
        scene=scene,
        motion=motion,
        num_frames=rng.randint(MIN_SHOT_FRAMES, max_frames),
        scene_variant=rng.randrange(_SCENE_VARIANTS),
        size_fraction=round(rng.uniform(0.88, 1.08), 3),
        phase_fraction=round(rng.random(), 3),
        direction=rng.choice((-1, 1)),
    )
