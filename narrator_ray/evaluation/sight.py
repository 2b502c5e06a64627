"""Frames of stories and texts as vectors of one space: each video is decoded and embedded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from narrator_ray.config import Config
from narrator_ray.errors import ItemError
from narrator_ray.evaluation.clip_frames import ClipFrames, Frames, decode_clips
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.text_vectors import TextVectors, Vectors
from narrator_ray.metrics.emscore import EmbeddedText


class Embedder(Protocol):
    """Texts and frames to vectors, as ``metrics.clip_model`` does it."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """[N, D], every vector of length 1."""
        ...

    def embed_frames(self, frames_TCHW: Frames) -> Vectors:
        """[T, D], every vector of length 1."""
        ...


class Sight:
    """A CLIP network, and what it saw.

    Args:
        model: The network.
        config: How videos are fetched and decoded.
    """

    def __init__(self, model: Embedder, config: Config) -> None:
        self._model, self._config = model, config
        self._seen: dict[str, list[Vectors] | str] = {}
        self._texts = TextVectors(model.embed_texts)

    def take(self, story: JudgedStory, frames: ClipFrames | str) -> None:
        """Look at the frames of a story's clips; or note why there are none."""
        if isinstance(frames, str):
            self._seen[story.video.video_id] = frames
            return
        vectors_ND = self._model.embed_frames(np.concatenate(frames))
        ends = np.cumsum([len(frames_TCHW) for frames_TCHW in frames])[:-1]
        self._seen[story.video.video_id] = np.split(vectors_ND, ends)

    def clips(self, story: JudgedStory) -> list[Vectors] | str:
        """Vectors [T, D] of the frames of every clip; or why there are none."""
        if story.video.video_id not in self._seen:
            try:
                self.take(story, decode_clips(story, self._config))
            except ItemError as error:
                self.take(story, str(error))
        return self._seen[story.video.video_id]

    def forget(self) -> None:
        """Forget the frames and texts so far."""
        self._seen.clear()
        self._texts.forget()

    def read(self, texts: Iterable[str]) -> None:
        """Embed texts and words that will be asked for, all together."""
        self._texts.read(texts)

    def text(self, text: str, words: Sequence[str]) -> EmbeddedText:
        """A text that is not empty, as a whole and word by word."""
        vectors = self._texts.of([text, *words])
        return EmbeddedText(vectors[0], vectors[1:])
