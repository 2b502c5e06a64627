"""The full model and the paper's five ablations: what each is without."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from narrator_ray.config import ModelSettings, TrainingSettings
from narrator_ray.training.ablations.settings import VariantName


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to build a narrator.

    Attributes:
        name: What it is asked for by, and its folder.
        title: As a table has it, with the paper's letter.
        paper_row: Its row in the paper's tables (see ``evaluation.paper``).
        model: What the language model is given to see.
        has_lora: Whether the language model learns; else projector and position embedding alone do.
    """

    name: VariantName
    title: str
    paper_row: str
    model: ModelSettings = field(default_factory=ModelSettings)
    has_lora: bool = True

    def recipe(self, settings: TrainingSettings) -> TrainingSettings:
        """The common recipe as this variant follows it."""
        return settings if self.has_lora else settings.model_copy(update={"lora_rank": 0})


VARIANTS: Final = {
    variant.name: variant
    for variant in (
        Variant("full", "full model", "videonarrator"),
        Variant("without-lora", "a. without LoRA", "without-lora", has_lora=False),
        Variant("without-storyline", "b. without storyline", "without-storyline", ModelSettings(use_storyline=False)),
        Variant("without-position", "c. without clip position", "without-position", ModelSettings(use_position=False)),
        Variant(
            "without-compression",
            "d. without visual compression",
            "without-compression",
            ModelSettings(use_compression=False),
        ),
        Variant(
            "without-memory",
            "e. without memory consolidation: all earlier frames",
            "without-memory",
            ModelSettings(memory="all"),
        ),
    )
}
"""By name, in the paper's order."""
