"""What metrics work with, each loaded when it is first asked for: taggers, a tokenizer, models, a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from narrator_ray.config import Config
from narrator_ray.errors import ConfigError, ModelLoadError
from narrator_ray.evaluation.judge_client import JudgeClient
from narrator_ray.evaluation.sight import Sight
from narrator_ray.metrics.meteor import Meteor
from narrator_ray.metrics.words import WordTagger, word_tagger
from narrator_ray.records import Language

Encode = Callable[[str], Sequence[int]]


class TextEncoder(Protocol):
    """Text to vectors, as ``metrics.sentence_model`` does it."""

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """[N, D], every vector of length 1."""
        ...


@dataclass(frozen=True)
class Tools:
    """Where the tools of an evaluation lie.

    Attributes:
        tokenizer: Directory of the language model's tokenizer, or a function; what compares token ids
            needs it: released BLEU, CIDEr-D and METEOR.
        sentence_model: Directory of a text encoder, or one; InfoSim and InfoDiverse need it.
        user_dictionary: jieba's; the released definitions are published with one.
        clip_model: Directory of a CLIP network; EMScore needs it.
        device: Where models run.
        config: Rates, margins and paces of lengths, how videos are fetched and decoded, which judge.
    """

    tokenizer: Path | Encode | None = None
    sentence_model: Path | TextEncoder | None = None
    user_dictionary: str | None = None
    clip_model: Path | None = None
    device: str = "cpu"
    config: Config = field(default_factory=Config)

    def tagger(self, language: Language, has_user_words: bool = True) -> WordTagger:
        """Words and their tags; with the user's words or, as EMScore is released, without."""
        return word_tagger(language, self.user_dictionary if language == "zh" and has_user_words else None)

    def judge(self) -> JudgeClient:
        """A judge that has not been asked anything yet.

        Raises:
            ConfigError: The settings name none, or its client is not installed.
        """
        return JudgeClient(self.config.judge, self.config.storage)

    @cached_property
    def meteor(self) -> Meteor:
        """METEOR's program, which runs until :meth:`close`.

        Raises:
            ConfigError: pycocoevalcap or Java is not installed.
        """
        return Meteor()

    def close(self) -> None:
        """End what runs."""
        if "meteor" in self.__dict__:
            self.meteor.close()
            del self.__dict__["meteor"]

    @cached_property
    def sight(self) -> Sight:
        """Frames of stories in the space of the CLIP network, and texts.

        Raises:
            ConfigError: No network was given.
            ModelLoadError: It cannot be loaded.
        """
        if self.clip_model is None:
            raise ConfigError("needs a CLIP model in transformers or open_clip format: give --clip-model DIR")
        from narrator_ray.metrics.clip_model import ClipModel  # loads torch

        return Sight(ClipModel.load(self.clip_model, self.device), self.config)

    @property
    def encode(self) -> Encode:
        """Text to token ids, without special tokens.

        Raises:
            ConfigError: No tokenizer was given.
            ModelLoadError: It cannot be loaded.
        """
        if self.tokenizer is None:
            raise ConfigError("needs the tokenizer of the language model: give --tokenizer DIR")
        return _tokenizer(self.tokenizer) if isinstance(self.tokenizer, Path) else self.tokenizer

    @property
    def sentences(self) -> TextEncoder:
        """Text to vectors.

        Raises:
            ConfigError: No model was given.
            ModelLoadError: It cannot be loaded.
        """
        if self.sentence_model is None:
            raise ConfigError("needs a text encoder in transformers format: give --sentence-model DIR")
        model = self.sentence_model
        return _sentence_model(model, self.device) if isinstance(model, Path) else model


@cache
def _tokenizer(directory: Path) -> Encode:
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise ModelLoadError(f"{directory}: not a tokenizer of transformers: {error}") from error

    def encode(text: str) -> Sequence[int]:
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    return encode


@cache
def _sentence_model(directory: Path, device: str) -> TextEncoder:
    from narrator_ray.metrics.sentence_model import SentenceModel

    return SentenceModel(directory, device)
