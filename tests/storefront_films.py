"""Films of the storefront that several tests read; making them up takes seconds."""

from functools import cache

import pytest

from narrator_ray.demo.films import Film, make_film, training_films
from narrator_ray.demo.splits import SPLITS, Split


@cache
def _split_films() -> dict[Split, list[Film]]:
    return {split: list(training_films(split, range(40))) for split in SPLITS}


@pytest.fixture(scope="session")
def split_films() -> dict[Split, list[Film]]:
    """Forty films of every split."""
    return _split_films()


@pytest.fixture(scope="session")
def films(split_films) -> list[Film]:
    """Films as the demo shows them, and those of every split."""
    return [*map(make_film, range(40)), *(film for films in split_films.values() for film in films)]
