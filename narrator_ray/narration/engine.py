"""The narration engine: many stories told side by side by one model, each at its own pace.

Every story has a lane: its own keys and values, its own place in its own video. Texts to read are read lane by lane;
where several lanes wait for one token, one call runs them all. A lane that ends is given to the next video at once,
so nobody waits for the longest video of a batch. Knows no Ray and no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from narrator_ray import records
from narrator_ray.config import DecodingSettings
from narrator_ray.errors import ItemError
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.narration.job import ClipResult, JobFailure, NarrationJob
from narrator_ray.narration.kv_cache import LaneCache
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.prompt_tokens import tokenize_prompt
from narrator_ray.narration.sampling import Sampler
from narrator_ray.narration.story import Asking, Language, Read, Story
from narrator_ray.narration.storyline import LabelVocabulary
from narrator_ray.narration.token_automaton import TokenAutomaton
from narrator_ray.narration.vocabulary import Vocabulary

FloatArray = npt.NDArray[np.float32]


@dataclass(slots=True)
class _Lane:
    """A story and what it waits for."""

    job: NarrationJob
    asking: Asking
    wanted: Read | None = None


class NarrationEngine:
    """Narrates videos side by side.

    Args:
        narrator: The model.
        settings: How tokens are picked.
        max_lanes: Most videos at once; memory grows with it.
        prompt: Name of the prompt form the model was trained with; None for the default of each language.
        has_labels: False narrates without script labels (the paper's ablation b).
    """

    def __init__(
        self,
        narrator: VideoNarrator,
        settings: DecodingSettings,
        max_lanes: int = 16,
        prompt: str | None = None,
        has_labels: bool = True,
    ) -> None:
        self._narrator = narrator
        self._prompt = prompt
        self._has_labels = has_labels
        self._settings = settings
        self._max_lanes = max_lanes
        end_ids = narrator.llm.generation_config.eos_token_id if narrator.llm.generation_config else None
        self._vocabulary = Vocabulary.of(
            narrator.tokenizer, narrator.llm.config.vocab_size, end_ids if isinstance(end_ids, list) else ()
        )
        self._languages: dict[records.Language, Language] = {}

    @torch.inference_mode()
    def narrate(self, jobs: Iterable[NarrationJob]) -> Iterator[ClipResult | JobFailure]:
        """Narrate videos, giving each clip's result the moment it is written.

        Results of one video come in clip order, those of different videos as they fall. A video that cannot be narrated
        gives one failure, after which nothing more of it comes; the others are not disturbed.

        Args:
            jobs: The videos; more are taken as lanes fall free.
        """
        waiting = iter(jobs)
        cache = LaneCache(self._max_lanes, self._narrator.llm.config.num_hidden_layers)
        lanes: list[_Lane] = []
        while True:
            while len(lanes) < self._max_lanes and (job := next(waiting, None)) is not None:
                cache.cut(len(lanes), 0)
                lanes.append(_Lane(job, self._story(job).write()))
                yield from self._advance(lanes[-1], None)
                self._drop_finished(lanes, cache)
            if not lanes:
                return
            for lane, logits_V in self._read(lanes, cache):
                yield from self._advance(lane, logits_V)
            self._drop_finished(lanes, cache)

    def _story(self, job: NarrationJob) -> Story:
        if job.language not in self._languages:
            self._languages[job.language] = self._learn(job.language)
        sampler = Sampler(self._settings, job.seed)
        return Story(job, self._narrator, self._languages[job.language], sampler)

    def _learn(self, language: records.Language) -> Language:
        form = prompt_form(self._prompt or language, self._has_labels)

        def encode(text: str) -> list[int]:
            return tokenize_prompt(self._narrator.tokenizer, text, is_start=False)

        labels = LabelVocabulary.of(encode, language, form.word_space)
        # A small model echoes the heading of the next clip. Words of a language without spaces are not safe to ban.
        word = re.match(r"\s*([A-Za-z]+)", form.clip_heading)
        headings = (word[1], f" {word[1]}", f"{word[1]}s", f" {word[1]}s") if word else ()
        spelled = tuple(tuple(encode(heading)) for heading in headings)
        return Language(form, TokenAutomaton(self._vocabulary, language), labels, spelled)

    def _advance(self, lane: _Lane, logits_V: FloatArray | None) -> Iterator[ClipResult | JobFailure]:
        """Answer a story, and pass on what it finishes until it waits again or ends."""
        lane.wanted = None
        try:
            event = next(lane.asking) if logits_V is None else lane.asking.send(logits_V)
            while isinstance(event, ClipResult):
                yield event
                event = next(lane.asking)
            lane.wanted = event
        except StopIteration:
            return
        except ItemError as error:
            yield JobFailure(lane.job.job_id, error)

    def _drop_finished(self, lanes: list[_Lane], cache: LaneCache) -> None:
        """Close the gaps that ended stories leave, so that running lanes stay the first ones."""
        for index in reversed(range(len(lanes))):
            if lanes[index].wanted is None:
                last = lanes.pop()
                cache.clear(index)
                if index < len(lanes):
                    cache.move(len(lanes), index)
                    lanes[index] = last

    def _read(self, lanes: list[_Lane], cache: LaneCache) -> Iterator[tuple[_Lane, FloatArray]]:
        """Read what every lane waits for: texts one by one, single tokens all at once."""
        wanted = {index: lane.wanted for index, lane in enumerate(lanes) if lane.wanted is not None}
        single = {index: read.ids[0] for index, read in wanted.items() if len(read.ids) == 1}
        for index, read in wanted.items():
            if read.keep is not None:
                cache.cut(index, read.keep)
            if index not in single:
                yield lanes[index], self._read_text(cache, index, read)
        if single:
            for index, logits_V in self._read_tokens(cache, len(lanes), single):
                yield lanes[index], logits_V

    def _read_text(self, cache: LaneCache, lane: int, read: Read) -> FloatArray:
        visual = () if read.visual is None else (read.visual,)
        embedded = self._narrator.embed(torch.tensor(read.ids), visual)
        positions, mask = cache.begin_text(lane, len(read.ids))
        logits_V: FloatArray = self._logits(embedded[None], positions, mask, cache)[0]
        return logits_V

    def _read_tokens(
        self, cache: LaneCache, num_lanes: int, tokens: dict[int, int]
    ) -> Iterator[tuple[int, FloatArray]]:
        ids = torch.tensor([tokens.get(lane, 0) for lane in range(num_lanes)])
        positions, mask = cache.begin_step(num_lanes, list(tokens))
        logits_BV = self._logits(self._narrator.embed(ids)[:, None], positions, mask, cache)
        for lane in tokens:
            yield lane, logits_BV[lane]

    def _logits(self, embedded: Tensor, positions: Tensor, mask: Tensor, cache: LaneCache) -> FloatArray:
        """Scores of the token after the last one, [B, V] float32."""
        device = self._narrator.device
        output = self._narrator(
            embedded,
            mask.to(device),
            position_ids=positions.to(device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: FloatArray = output.logits[:, -1].float().cpu().numpy()
        return logits
