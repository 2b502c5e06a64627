"""What a round of the narration stage teaches: films as they are told in it, with what is seen of them.

Two kinds: films of the storefront, told for other products and by other scripts in every round, and films of goods that
the storefront does not sell, of which nothing is said that is seen. The latter show the storefront's pictures, every
other one two of its films at once, in patches, so that a narrator goes by the product's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import torch
from torch.nn.functional import interpolate

from narrator_ray.demo.films import Film, retold, training_films
from narrator_ray.demo.other_scripts import tell_other
from narrator_ray.demo.splits import Split
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.qformer import FrameQFormer
from narrator_ray.records import Video
from narrator_ray.schema import VideoFeatures
from narrator_ray.training.film_maps import FilmMaps
from narrator_ray.training.nano.emphasis import telling_pattern
from narrator_ray.training.nano.features import features_of, kept_features
from narrator_ray.training.nano.settings import FilmSettings, NanoSettings, RoundSettings
from narrator_ray.training.nano.work import maps_path

_SEEDS_PER_TELLING = 1_000_003
_TELLINGS = 100
"""So far apart are the numbers of a film's tellings in one round; those of two rounds are ten apart."""
_PATCHED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Lesson:
    """A film to learn from.

    Attributes:
        video: With storyline and references.
        features: What is seen.
        pattern: Matches, in lower case, the words of its narrations that tell something; None where all words do, since
            the very way to say it shows that nothing is seen.
        lot: Seed of what is drawn by lot from it.
    """

    video: Video
    features: VideoFeatures
    pattern: re.Pattern[str] | None
    lot: int


def lessons_of(settings: NanoSettings, number: int, model: ModelDirectory, qformer: FrameQFormer) -> Iterator[Lesson]:
    """The lessons of a round, those of the storefront first."""
    this = settings.rounds[number]
    for seed, told, lot in tellings(this, number):
        features = kept_features(settings, "train", seed, told, model, qformer)
        yield Lesson(told.to_video(f"film-{seed:05d}", "film.mp4"), features, telling_pattern(told), lot)
    for seed, film in enumerate(training_films("train", range(this.other_films))):
        lot = _SEEDS_PER_TELLING * (_TELLINGS * _TELLINGS + number) + seed
        script = tell_other(lot, film.clips, "train")
        features = unrelated_features(settings, "train", seed, film, lot, model, qformer)
        yield Lesson(script.to_video(f"other-{seed:05d}", "film.mp4"), features, None, lot)


def tellings(this: RoundSettings, number: int) -> Iterator[tuple[int, Film, int]]:
    """The storefront's films of a round as they are told in it, those with long shots several times.

    Args:
        this: The round.
        number: Of the round; in every one there are other scripts.

    Yields:
        Which film of the split it is; the film, told; the seed of what is drawn by lot from it.
    """
    for seed, film in enumerate(training_films("train", range(this.films))):
        for telling in range(this.long_tellings if has_long_shot(film) else 1):
            told = _told(film, seed, _TELLINGS * telling + number * 10, this)
            yield seed, told, _SEEDS_PER_TELLING * telling + seed


def _told(film: Film, seed: int, place: int, this: RoundSettings) -> Film:
    """A film's pictures with the one of some new scripts that says most, or with its own."""
    seeds = [_SEEDS_PER_TELLING * (place + number) + seed for number in range(1, this.candidates + 1)]
    told = (retold(film, another) for another in seeds)
    return max(told, key=lambda one: num_told(one, this.fact_weight), default=film)


def num_told(film: Film, fact_weight: float) -> float:
    """How often a film's script names what is seen, and how many facts it tells, each of which counts so much."""
    return sum(len(shot.mentions) + fact_weight * len(shot.facts) for shot in film.script)


def has_long_shot(film: Film) -> bool:
    """Whether a shot of a film is told in several lines."""
    return any(len(shot.labels) > 1 for shot in film.script)


def unrelated_features(
    settings: FilmSettings, split: Split, seed: int, film: Film, lot: int, model: ModelDirectory, qformer: FrameQFormer
) -> VideoFeatures:
    """A film's features, or those of its pictures with patches of another film's."""
    rng = Random(f"patches {lot}")
    if rng.random() >= _PATCHED_SHARE:
        return kept_features(settings, split, seed, film, model, qformer)
    other = rng.randrange(getattr(settings.films, split))
    maps, its_maps = (FilmMaps.load(maps_path(settings, split, one)) for one in (seed, other))
    return features_of(film, patched_maps(maps, its_maps, lot), qformer)


def patched_maps(maps: FilmMaps, other: FilmMaps, seed: int) -> FilmMaps:
    """Maps in which half of the places, in every clip others, show frames of another film; a patch is a place of the
    coarsest map.

    Args:
        maps: Of T frames.
        other: Of any number of frames, gone through as often as needed.
        seed: Decides which places.
    """
    num_clips, num_patches = int(maps.clip_index_T.max()) + 1, min(layer.shape[-1] for layer in maps.maps_TCHW)
    masks_CHW = np.random.default_rng(seed).integers(2, size=(num_clips, num_patches, num_patches)).astype(np.float32)
    mask_T1HW = torch.from_numpy(masks_CHW[maps.clip_index_T]).unsqueeze(1)
    frames_T = torch.arange(len(maps.clip_index_T)) % len(other.clip_index_T)
    layers = (
        torch.where(interpolate(mask_T1HW, layer.shape[-2:]).bool(), foreign[frames_T], layer)
        for layer, foreign in zip(maps.maps_TCHW, other.maps_TCHW, strict=True)
    )
    return replace(maps, maps_TCHW=tuple(layers))
