"""Films made up, drawn where narration looks, and seen by the image tower: one file of feature maps a film."""

from __future__ import annotations

import time
from collections.abc import Sequence
from multiprocessing import get_context

import torch

from narrator_ray.demo.films import training_films
from narrator_ray.demo.splits import Split
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory
from narrator_ray.model.nano import write_nano
from narrator_ray.model.vision_encoder import OpenClipQFormerEncoder, load_vision_encoder
from narrator_ray.training.alignment import SeenFrames
from narrator_ray.training.film_maps import FilmMaps, see_film
from narrator_ray.training.nano.settings import FilmSettings, NanoSettings
from narrator_ray.training.nano.work import films_of, maps_path, tell


def untrained(settings: NanoSettings) -> ModelDirectory:
    """Nano as its packages give it."""
    target = settings.work / "untrained"
    if not (target / "narrator.json").is_file():
        target.mkdir(parents=True, exist_ok=True)
        write_nano(target, is_trained=False)
    return open_model_directory(target)


def draw(settings: NanoSettings) -> None:
    """Make all maps that are not there yet."""
    draw_films(settings, untrained(settings), ("validation", "test", "train"))


def draw_films(settings: FilmSettings, base: ModelDirectory, splits: Sequence[Split]) -> None:
    """Make the maps of some splits that are not there yet, as the tower of a model sees them."""
    for split in splits:
        (settings.work / "maps" / split).mkdir(parents=True, exist_ok=True)
        seeds = range(getattr(settings.films, split))
        missing = [seed for seed in seeds if not maps_path(settings, split, seed).is_file()]
        if not missing:
            continue
        began_s = time.monotonic()
        if settings.processes == 1:
            _draw_films(settings, base, split, missing)
        else:
            tasks = [
                (settings, base, split, missing[begin :: settings.processes]) for begin in range(settings.processes)
            ]
            with get_context("spawn").Pool(settings.processes) as pool:
                pool.starmap(_draw_films, tasks)
        tell(f"draw {split}: {len(missing)} films in {time.monotonic() - began_s:.0f} s")


def _draw_films(settings: FilmSettings, base: ModelDirectory, split: Split, seeds: Sequence[int]) -> None:
    torch.set_num_threads(1)
    encoder = load_vision_encoder(base)
    assert isinstance(encoder, OpenClipQFormerEncoder)
    for seed, film in zip(seeds, training_films(split, seeds), strict=True):
        see_film(film, encoder).save(maps_path(settings, split, seed))


def maps_of(settings: FilmSettings, split: Split) -> list[FilmMaps]:
    """The maps of all films of a split."""
    return [FilmMaps.load(maps_path(settings, split, seed)) for seed in range(getattr(settings.films, split))]


def frames_of(settings: FilmSettings, split: Split) -> SeenFrames:
    """All frames of a split, in memory."""
    return SeenFrames.of(films_of(settings, split), maps_of(settings, split))
