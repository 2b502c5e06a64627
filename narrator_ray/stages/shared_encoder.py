"""One vision encoder for all calls of a replica: batches are filled from video to video and from call to call.

Videos have few frames or many, so a batch that ended with its video, or its call, would seldom be full. Here an encoder
on a thread of its own takes frames as they wait, whosever they are; meanwhile the calls store what they were given.
Knows no Ray.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from narrator_ray.cost import NO_COST, StageCost
from narrator_ray.errors import NarratorError
from narrator_ray.model.vision_encoder import VisionEncoder
from narrator_ray.records import Rejection
from narrator_ray.runs.work import WorkItem
from narrator_ray.stages.item import attempt
from narrator_ray.stages.stopwatch import Stopwatch

Frames = npt.NDArray[np.uint8]
Tokens = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """How the encoding of one video ended.

    Attributes:
        outcome: Tokens [T, Q, D], or why there are none.
        cost: What the encoder took for it, by its share of the frames of each batch, and its frames.
    """

    outcome: Tokens | Rejection
    cost: StageCost


@dataclass(slots=True, eq=False)
class _Looking:
    """A video that waits, and the tokens of its first frames."""

    work: WorkItem
    frames_TCHW: Frames
    future: Future[Seen] = field(default_factory=Future)
    tokens: list[Tokens] = field(default_factory=list)
    num_done: int = 0
    cost: StageCost = NO_COST

    def take(self, most: int) -> Frames:
        """Its next frames."""
        return self.frames_TCHW[self.num_done : self.num_done + most]


class SharedEncoder:
    """Encodes for all who ask, on one thread.

    Args:
        encoder: Used by that thread only.
        batch_frames: Frames that it is given at once.
        stage: Name of the stage, for rejections.
    """

    def __init__(self, encoder: VisionEncoder, batch_frames: int, stage: str) -> None:
        self._encoder = encoder
        self._batch_frames = batch_frames
        self._stage = stage
        self._thread = ThreadPoolExecutor(1, "vision-encoder")
        self._waiting: deque[_Looking] = deque()

    def submit(self, videos: Sequence[tuple[WorkItem, Frames]]) -> list[Future[Seen]]:
        """Ask for some videos, each with its frames [T, 3, S, S], T > 0; safe to call from any thread.

        Returns:
            How each ended. Raises NarratorError where something that is not one video's fault stopped the encoder.
        """
        asked = [_Looking(work, frames_TCHW) for work, frames_TCHW in videos]
        self._waiting.extend(asked)
        self._thread.submit(self._serve)
        return [looking.future for looking in asked]

    def _serve(self) -> None:
        """Encode until nobody waits."""
        try:
            while self._waiting:
                self._encode(self._next_batch())
        except NarratorError as error:
            while self._waiting:
                self._waiting.popleft().future.set_exception(error)

    def _encode(self, batch: Sequence[tuple[_Looking, Frames]]) -> None:
        """A batch; when it fails, its videos one by one."""
        watch = Stopwatch()
        frames_TCHW = np.concatenate([its_frames for _, its_frames in batch])
        tokens_TQD = attempt(batch[0][0].work, self._stage, partial(self._encoder.encode, frames_TCHW))
        if isinstance(tokens_TQD, Rejection):
            for looking, _ in batch:
                self._look_alone(looking)
            return
        whole = watch.cost()
        for looking, its_frames in batch:
            its_tokens, tokens_TQD = np.split(tokens_TQD, [len(its_frames)])
            share = len(its_frames) / len(frames_TCHW)
            self._note(looking, its_tokens, StageCost(whole.busy_s * share, whole.cpu_s * share, len(its_frames)))

    def _next_batch(self) -> list[tuple[_Looking, Frames]]:
        """Frames of the videos that wait longest, as many as fit."""
        batch, missing = list[tuple[_Looking, Frames]](), self._batch_frames
        for looking in tuple(self._waiting):
            if not missing:
                break
            frames_TCHW = looking.take(missing)
            batch.append((looking, frames_TCHW))
            missing -= len(frames_TCHW)
        return batch

    def _look_alone(self, looking: _Looking) -> None:
        """All frames of a video, so that only the one that cannot be encoded is rejected."""
        watch = Stopwatch()
        outcome = attempt(looking.work, self._stage, partial(self._encoder.encode, looking.frames_TCHW))
        looking.cost += watch.cost() + StageCost(num_frames=len(looking.frames_TCHW) - looking.num_done)
        self._end(looking, outcome)

    def _note(self, looking: _Looking, tokens_TQD: Tokens, cost: StageCost) -> None:
        looking.tokens.append(tokens_TQD)
        looking.num_done += len(tokens_TQD)
        looking.cost += cost
        if looking.num_done == len(looking.frames_TCHW):
            self._end(looking, np.concatenate(looking.tokens))

    def _end(self, looking: _Looking, outcome: Tokens | Rejection) -> None:
        self._waiting.remove(looking)
        looking.future.set_result(Seen(outcome, looking.cost))
