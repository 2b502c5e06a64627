"""Films as all variants are given them: what is seen of each, and what its script says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from narrator_ray.config import LengthSettings
from narrator_ray.demo.films import Film
from narrator_ray.demo.splits import Split
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.qformer import load_qformer
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.records import Video
from narrator_ray.schema import VideoFeatures
from narrator_ray.training.ablations.settings import AblationSettings
from narrator_ray.training.ablations.variants import Variant
from narrator_ray.training.examples import VideoExample, example_of
from narrator_ray.training.nano.features import kept_features
from narrator_ray.training.nano.work import films_of


@dataclass(frozen=True, slots=True)
class SeenFilm:
    """A film and the query tokens of its frames.

    Attributes:
        film: It.
        features: What the Q-Former tells of it.
    """

    film: Film
    features: VideoFeatures

    @property
    def video(self) -> Video:
        """The film as a row of a catalogue."""
        return self.film.to_video(f"film-{self.film.storyboard.seed}", "film.mp4")


def seen_films(settings: AblationSettings, split: Split, model: ModelDirectory) -> tuple[SeenFilm, ...]:
    """The films of a split, whose maps are drawn, as a model's Q-Former sees them."""
    qformer = load_qformer(model.qformer_path)
    return tuple(
        SeenFilm(film, kept_features(settings, split, seed, film, model, qformer))
        for seed, film in enumerate(films_of(settings, split))
    )


def examples_of(
    films: Sequence[SeenFilm], variant: Variant, tokenizer: PreTrainedTokenizerBase, most: int
) -> Iterator[VideoExample]:
    """What a variant learns from films; documents have so many tokens at most."""
    tokens = StoryTokens.of(tokenizer, prompt_form("en", variant.model.use_storyline), "en")
    for seen in films:
        yield example_of(seen.video, seen.features, tokens, variant.model, LengthSettings(), most)


def spoken_part(example: VideoExample, film: Film, tokenizer: PreTrainedTokenizerBase) -> VideoExample:
    """The example with the loss on what is spoken alone, so that models with and without labels can be compared."""
    tokens = StoryTokens.of(tokenizer, prompt_form("en"), "en")
    clips = tuple(
        replace(clip, num_given=len(clip.answer) - len(tokens.spoken(shot.narration)) - len(tokens.closing))
        for clip, shot in zip(example.clips, film.script, strict=True)
    )
    return replace(example, clips=clips)
