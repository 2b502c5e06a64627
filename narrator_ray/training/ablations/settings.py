"""Settings of the ablations: films, budget, which variants."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from narrator_ray.config import TrainingSettings
from narrator_ray.model.model_dir import Fingerprints
from narrator_ray.outputs.keys import content_key
from narrator_ray.training.nano.settings import FilmSettings

VariantName = Literal[
    "full", "without-lora", "without-storyline", "without-position", "without-compression", "without-memory"
]
_FORMAT = "narrator-ray.ablations/1"
_KEY_CHARACTERS = 12


class AblationSettings(FilmSettings):
    """What every variant is given. Films of the split validation are not drawn."""

    preset: str = "nano"
    """Whose language model, tower and Q-Former all variants begin with."""
    training: TrainingSettings = TrainingSettings()
    """The recipe. `accumulate_batches` films make a step; `batch_tokens` is the most that judging reads at once."""
    checkpoint_steps: Annotated[int, Field(ge=1)] = 20
    """Steps from checkpoint to checkpoint."""
    variants: Annotated[tuple[VariantName, ...], Field(min_length=1)] = (
        "full",
        "without-lora",
        "without-storyline",
        "without-position",
        "without-compression",
        "without-memory",
    )
    """Which are trained and judged now; the table has all that are done."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads to compute with; 0 takes every core."""

    def budget_key(self, model: Fingerprints) -> str:
        """Names what is done under this budget: other films, another recipe or model begin anew beside it."""
        return content_key(
            _FORMAT,
            model=model.model_dump(),
            films=[self.films.train, self.films.test],
            training=self.training.model_dump(mode="json"),
        )[:_KEY_CHARACTERS]
