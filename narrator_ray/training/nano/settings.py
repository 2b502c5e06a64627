"""Settings of how nano is trained: films, both stages, rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from narrator_ray.config import TrainingSettings
from narrator_ray.config.section import PositiveFloat, Section
from narrator_ray.training.alignment import AlignmentSettings


class FilmCounts(Section):
    """Films of every split."""

    train: Annotated[int, Field(ge=1)] = 1000
    """To learn from."""
    validation: Annotated[int, Field(ge=1)] = 100
    """To watch training."""
    test: Annotated[int, Field(ge=1)] = 200
    """For the figures."""


class FilmSettings(Section):
    """Films of the storefront, and where their files lie."""

    work: Path
    """Directory for maps and checkpoints."""
    films: FilmCounts = FilmCounts()
    """How many films."""
    processes: Annotated[int, Field(ge=1)] = 2
    """That draw."""


class RoundSettings(Section):
    """One pass of the narration stage over films, each told by one script."""

    films: Annotated[int, Field(ge=1)]
    """Of the split train, from its first."""
    candidates: Annotated[int, Field(ge=0)] = 0
    """New scripts for a film's pictures, of which the one that says most is taken; 0: its own."""
    fact_weight: Annotated[float, Field(ge=0)] = 4
    """What a fact that a new script tells counts beside a thing seen that it names."""
    long_tellings: Annotated[int, Field(ge=1)] = 1
    """How often a film is told in which a shot is long enough for several lines, by other new scripts each time."""
    other_films: Annotated[int, Field(ge=0)] = 0
    """Of the split train, from its first: told as films of goods that the storefront does not sell."""
    plain_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the tokens that count in the loss, of those that are no script label, nothing seen, no name, no fact."""
    learning_rate: PositiveFloat
    """Highest learning rate; it falls along a cosine in every round."""


class NanoSettings(FilmSettings):
    """The whole recipe."""

    weights: Path
    """The file that ships."""
    alignment: AlignmentSettings = AlignmentSettings()
    """The first stage."""
    training: TrainingSettings = TrainingSettings()
    """The second stage."""
    rounds: Annotated[tuple[RoundSettings, ...], Field(min_length=1)]
    """Of the second stage, one after the other."""
    checkpoint_steps: Annotated[int, Field(ge=1)] = 20
    """Steps from checkpoint to checkpoint."""
