"""Whole films of the storefront, made up from a seed: pictures to be drawn, product, script, and their truth.

Cheap until pictures are asked for: a film is some hundredths of a second of drawing lots. For training, thousands of
films can be gone through without encoding one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from narrator_ray.demo.film import Picture, draw_shot
from narrator_ray.demo.products import ShopProduct, make_product
from narrator_ray.demo.script import ScriptedShot, write_script
from narrator_ray.demo.splits import Split, split_of_pair
from narrator_ray.demo.storyboard import FPS, MAX_SHOT_FRAMES, Storyboard, make_storyboard
from narrator_ray.records import Clip, JsonDict, Video

_NUM_SHOTS = (1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 8)
"""How many shots a film for training has: one of these."""
_MOST_LONG_SHOTS = 5
"""A film of more shots has none of the long ones: its product has not so much to tell."""
_LONG_SHOTS_SHARE = 0.5
_LONG_SHOT_FRAMES = 12 * FPS


@dataclass(frozen=True, slots=True)
class Film:
    """A film of the storefront.

    Attributes:
        storyboard: What is seen.
        product: What is sold.
        script: What is said, one entry a shot.
        split: What it is for; None: anything.
    """

    storyboard: Storyboard
    product: ShopProduct
    script: tuple[ScriptedShot, ...]
    split: Split | None

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The time span of every shot."""
        return tuple(Clip(start_s, end_s) for start_s, end_s in self.storyboard.spans_s)

    def to_video(self, video_id: str, uri: str) -> Video:
        """The film as a row of a catalogue, with clips, storyline, references, and its truth in ``extra``."""
        return Video(
            video_id=video_id,
            uri=uri,
            product=self.product.to_product(),
            language="en",
            clips=self.clips,
            storyline=tuple(shot.labels for shot in self.script),
            narrations=tuple(shot.narration for shot in self.script),
            extra={"truth": self.truth()},
        )

    def truth(self) -> JsonDict:
        """Everything that is known of the film and of what its script says of it, as plain JSON."""
        board = self.storyboard
        return {
            "seed": board.seed,
            "split": self.split,
            "pair_split": split_of_pair(board.form, board.colour),
            "kind": self.product.kind.name,
            "clips": [
                {
                    "start_s": clip.start_s,
                    "end_s": clip.end_s,
                    "product": shot.form,
                    "colour": shot.colour,
                    "scene": shot.scene,
                    "motion": shot.motion,
                    "script_labels": [str(label) for label in scripted.labels],
                    "narration": scripted.narration,
                    "mentions": list(scripted.mentions),
                    "facts": list(scripted.facts),
                    "looks_back_to": scripted.looks_back_to,
                }
                for clip, shot, scripted in zip(self.clips, board.shots, self.script, strict=True)
            ],
        }


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """One sampled picture of a film.

    Attributes:
        clip_index: Which clip it belongs to.
        time_s: When it is seen, from the start of the film.
        picture: uint8 [360, 480, 3].
    """

    clip_index: int
    time_s: float
    picture: Picture


def make_film(seed: int, *, split: Split | None = None) -> Film:
    """The film of a seed with 4-7 shots of 2.5-6 seconds, as the demo shows it."""
    return _film(make_storyboard(seed, split=split), split)


def training_films(split: Split, seeds: Iterable[int]) -> Iterator[Film]:
    """Films to learn from or to be examined on, one for each seed, made up as they are asked for.

    They are more varied than those of the demo: 1-8 shots, of up to 12 seconds in half of the films of five shots or
    fewer.

    Args:
        split: Names, sets of facts and, half the time, pairs of form and colour are of this split.
        seeds: Which; the same seed gives another film in another split.
    """
    for seed in seeds:
        rng = Random(f"film {split} {seed}")
        num_shots = rng.choice(_NUM_SHOTS)
        has_long = num_shots <= _MOST_LONG_SHOTS and rng.random() < _LONG_SHOTS_SHARE
        longest = _LONG_SHOT_FRAMES if has_long else MAX_SHOT_FRAMES
        board = make_storyboard(seed, split=split, num_shots=num_shots, max_shot_frames=longest)
        yield _film(board, split)


def retold(film: Film, seed: int) -> Film:
    """The pictures of a film with another product and another script: what is drawn once can be learnt from often.

    Args:
        film: The film.
        seed: Decides product and script.
    """
    return _film(replace(film.storyboard, seed=seed), film.split)


def draw_frames(film: Film, times_s: Sequence[Sequence[float]]) -> Iterator[SeenFrame]:
    """The pictures of a film at some moments, drawn without encoding it.

    They are the pictures that are sampled from the drawn film, but for what H.264 does to them.

    Args:
        film: The film.
        times_s: Moments of each clip, from the start of the film, in seconds.
    """
    for index, (shot, clip) in enumerate(zip(film.storyboard.shots, film.clips, strict=True)):
        frames = [min(int((time_s - clip.start_s) * FPS), shot.num_frames - 1) for time_s in times_s[index]]
        for time_s, picture in zip(times_s[index], draw_shot(shot, frames), strict=True):
            yield SeenFrame(index, time_s, picture)


def _film(storyboard: Storyboard, split: Split | None) -> Film:
    product = make_product(storyboard.seed, storyboard.form, split=split)
    return Film(storyboard, product, write_script(storyboard, product), split)
