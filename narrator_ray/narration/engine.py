"""The narration engine: many stories told side by side by one model, each at its own pace.

Every story has a lane: its own keys and values, its own place in its own video. Each step reads what the lanes wait
for in one call of the model: one token for those that speak, whole texts for those that begin a clip. A lane that
ends is given to the next video at once, so nobody waits for the longest video of a batch. Knows no Ray and no files.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import torch

from narrator_ray import records
from narrator_ray.config import DecodingSettings
from narrator_ray.errors import GenerationFailed, ItemError, RejectReason
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.narration.job import ClipLabels, ClipResult, JobFailure, NarrationJob
from narrator_ray.narration.lane_memory import plan_lanes
from narrator_ray.narration.lane_reader import LaneReader
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.read_request import Read
from narrator_ray.narration.sampling import Sampler
from narrator_ray.narration.story import Asking, Language, Story
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.narration.token_automaton import TokenAutomaton
from narrator_ray.narration.vocabulary import Vocabulary

FloatArray = npt.NDArray[np.float32]

MOST_TEXT_TOKENS = 512
"""Texts are read together up to this many tokens; more would make the lanes that speak wait without reading faster."""
_FEWEST_WAITING = 8
"""Texts are read when at least one lane in so many waits for one."""


@dataclass(slots=True)
class _Task:
    """A job, and up to which of its clips results have been given to the caller."""

    job: NarrationJob
    num_told: int = 0


@dataclass(slots=True)
class _Lane:
    """A story and what it waits for.

    Attributes:
        num_to_skip: First clips whose results the caller has from an earlier try of the same story.
    """

    task: _Task
    asking: Asking
    num_to_skip: int
    wanted: Read | None = None


class NarrationEngine:
    """Narrates videos side by side.

    Args:
        narrator: The model.
        settings: How tokens are picked.
        max_lanes: Most videos at once; fewer where memory does not hold as many.
        prompt: Name of the prompt form the model was trained with; None for the default of each language.
        has_labels: False narrates without script labels (the paper's ablation b).
        on_labels: Called with the labels of each clip before its narration is written; again where a video is begun
            anew.

    Attributes:
        reader: The lanes, which remember the beginnings of prompts from one call of :meth:`narrate` to the next.
    """

    def __init__(
        self,
        narrator: VideoNarrator,
        settings: DecodingSettings,
        max_lanes: int = 16,
        prompt: str | None = None,
        has_labels: bool = True,
        on_labels: Callable[[ClipLabels], None] = lambda labels: None,
    ) -> None:
        self._narrator = narrator
        self._prompt = prompt
        self._has_labels = has_labels
        self._on_labels = on_labels
        self._settings = settings
        self._cancelled: set[str] = set()
        dtype = narrator.projector.weight.dtype
        self.reader = LaneReader(narrator, plan_lanes(max_lanes, narrator.llm.config, dtype, narrator.device))
        end_ids = narrator.llm.generation_config.eos_token_id if narrator.llm.generation_config else None
        self._vocabulary = Vocabulary.of(
            narrator.tokenizer, narrator.llm.config.vocab_size, end_ids if isinstance(end_ids, list) else ()
        )
        self._languages: dict[records.Language, Language] = {}

    def cancel(self, job_id: str) -> None:
        """Stop narrating a video, waiting or in work: nothing more of it comes, and its lane is free.

        Safe to call from another thread. Of a video that has ended already there is nothing to stop.
        """
        self._cancelled.add(job_id)

    @torch.inference_mode()
    def narrate(self, jobs: Iterable[NarrationJob | None]) -> Iterator[ClipResult | JobFailure]:
        """Narrate videos, giving each clip's result the moment it is written.

        Results of one video come in clip order, those of different videos as they fall. A video that cannot be narrated
        gives one failure, after which nothing more of it comes; the others are not disturbed. Where memory does not
        suffice for so many lanes, the videos in work are begun anew with half as many; no clip is given twice.

        Args:
            jobs: The videos; more are taken as lanes fall free. None says that none waits at the moment: running lanes
                go on, and the next is asked for after their next step. A source that says so while no lane runs is
                asked again at once, so it should wait a little before it answers.
        """
        source, unstarted, num_lanes = iter(jobs), deque[_Task](), self.reader.num_lanes
        while True:
            session = _Session(self, source, unstarted)
            try:
                yield from session.run()
                return
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                if session.num_running > 1:
                    num_lanes = max(1, num_lanes // 2)
                yield from session.give_up(error)
                self.reader = LaneReader(self._narrator, num_lanes)
            finally:
                session.close()

    def is_cancelled(self, job_id: str) -> bool:
        """Whether a video was cancelled."""
        return job_id in self._cancelled

    def forget(self, job_id: str) -> None:
        """A video has ended: cancelling it has no effect on a later one of that name."""
        self._cancelled.discard(job_id)

    def story(self, job: NarrationJob) -> Story:
        """The story of a video, not yet begun."""
        if job.language not in self._languages:
            self._languages[job.language] = self._learn(job.language)
        sampler = Sampler(self._settings, job.seed)
        return Story(job, self._narrator, self._languages[job.language], sampler, self._on_labels)

    def _learn(self, language: records.Language) -> Language:
        form = prompt_form(self._prompt or language, self._has_labels)
        tokens = StoryTokens.of(self._narrator.tokenizer, form, language)
        # A small model echoes the heading of the next clip. Words of a language without spaces are not safe to ban.
        word = re.match(r"\s*([A-Za-z]+)", form.clip_heading)
        headings = (word[1], f" {word[1]}", f"{word[1]}s", f" {word[1]}s") if word else ()
        spelled = tuple(tuple(tokens.encode(heading)) for heading in headings)
        speech = cache(partial(TokenAutomaton, self._vocabulary, language, "speech"))
        return Language(tokens, TokenAutomaton(self._vocabulary, language), speech, spelled)


class _Session:
    """Lanes at work, until no job is left or memory fails them."""

    def __init__(self, engine: NarrationEngine, source: Iterator[NarrationJob | None], unstarted: deque[_Task]) -> None:
        self._reader = engine.reader
        self._engine = engine
        self._source = source
        self._unstarted = unstarted
        self._lanes: dict[int, _Lane] = {}
        self._free = list(reversed(range(self._reader.num_lanes)))
        self._has_more = True

    @property
    def num_running(self) -> int:
        """Videos in work."""
        return len(self._lanes)

    def run(self) -> Iterator[ClipResult | JobFailure]:
        while True:
            yield from self._admit()
            if not self._lanes:
                if self._has_more:
                    continue
                return
            for number, scores_KV in self._reader.read(self._due()).items():
                yield from self._advance(number, scores_KV)
            self._drop_cancelled()

    def give_up(self, error: Exception) -> Iterator[JobFailure]:
        """Put the videos in work back to those not begun; one that is alone and yet too large has failed."""
        tasks = [lane.task for lane in self._lanes.values()]
        if len(tasks) == 1:
            detail = f"the model's memory does not suffice for this video alone: {error}"
            yield JobFailure(tasks[0].job.job_id, GenerationFailed(RejectReason.GENERATION_FAILED, detail))
        else:
            self._unstarted.extendleft(reversed(tasks))

    def close(self) -> None:
        """Leave the lanes as they were found."""
        for number in self._lanes:
            self._reader.forget(number)

    def _admit(self) -> Iterator[ClipResult | JobFailure]:
        while self._free and (task := self._next_task()) is not None:
            if self._engine.is_cancelled(task.job.job_id):
                self._engine.forget(task.job.job_id)
                continue
            number = self._free.pop()
            self._lanes[number] = _Lane(task, self._engine.story(task.job).write(), task.num_told)
            yield from self._advance(number, None)

    def _next_task(self) -> _Task | None:
        if self._unstarted:
            return self._unstarted.popleft()
        try:
            job = next(self._source) if self._has_more else None
        except StopIteration:
            self._has_more, job = False, None
        return _Task(job) if job is not None else None

    def _due(self) -> dict[int, Read]:
        """What is read next: every single token; texts only when enough of them wait, the longest waiting first.

        A text alone takes twice as long for each of its tokens as several together, so lanes with texts wait for
        others to join them as long as most lanes have something to do.
        """
        wanted = {number: lane.wanted for number, lane in self._lanes.items() if lane.wanted is not None}
        due = {number: read for number, read in wanted.items() if len(read.ids) == 1}
        texts = {number: read for number, read in wanted.items() if len(read.ids) > 1}
        num_waiting_tokens = sum(len(read.ids) for read in texts.values())
        if num_waiting_tokens < MOST_TEXT_TOKENS // 2 and len(texts) * _FEWEST_WAITING < len(wanted):
            return due
        num_tokens = 0
        for number, read in texts.items():
            if num_tokens and num_tokens + len(read.ids) > MOST_TEXT_TOKENS:
                break
            num_tokens += len(read.ids)
            due[number] = read
        return due

    def _advance(self, number: int, scores_KV: FloatArray | None) -> Iterator[ClipResult | JobFailure]:
        """Answer a story, and pass on what it finishes until it waits again or ends."""
        lane = self._lanes.pop(number)
        try:
            event = next(lane.asking) if scores_KV is None else lane.asking.send(scores_KV)
            while isinstance(event, ClipResult):
                yield from self._tell(number, lane, event)
                event = next(lane.asking)
            lane.wanted = event
            self._lanes[number] = lane
        except StopIteration:
            self._release(number, lane)
        except ItemError as error:
            self._release(number, lane)
            yield JobFailure(lane.task.job.job_id, error)

    def _tell(self, number: int, lane: _Lane, result: ClipResult) -> Iterator[ClipResult]:
        if result.clip_index >= lane.num_to_skip:
            lane.task.num_told = result.clip_index + 1
            num_read, num_shared = self._reader.take_counts(number)
            yield replace(result, num_read=num_read, num_shared=num_shared)

    def _drop_cancelled(self) -> None:
        for number, lane in list(self._lanes.items()):
            if self._engine.is_cancelled(lane.task.job.job_id):
                del self._lanes[number]
                self._release(number, lane)

    def _release(self, number: int, lane: _Lane) -> None:
        self._engine.forget(lane.task.job.job_id)
        self._reader.forget(number)
        self._free.append(number)


def _is_out_of_memory(error: Exception) -> bool:
    """CUDA has a class for it, torch's allocator on a CPU only words."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)
