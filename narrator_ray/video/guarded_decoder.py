"""Decoding at a distance: a video that kills, hangs or bloats its decoder is rejected, and nothing else suffers.

Everything that runs a decoder's native code runs in a child process (``video.decoder_child``). A decoder that crashes
is given the video once more, because a process may also be killed for what others do; one that hangs or takes too much
memory is not.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from narrator_ray.config import ClipSettings, DecodeSettings, FrameSettings
from narrator_ray.errors import ItemError, RejectReason, UnreadableVideo
from narrator_ray.records import Clip
from narrator_ray.video.child_process import (
    Answer,
    ChildCrashed,
    ChildLimits,
    ChildProcess,
    ChildTimedOut,
    ChildTooLarge,
)
from narrator_ray.video.frames import SampledFrames
from narrator_ray.video.probe import VideoInfo

MOST_ATTEMPTS = 2
DECODER_MODULE = "narrator_ray.video.decoder_child"


class GuardedDecoder:
    """Splits and samples videos in a child process, which is started when it is first needed.

    Args:
        settings: What a video may cost.
        module: What the child runs.
    """

    def __init__(self, settings: DecodeSettings, module: str = DECODER_MODULE) -> None:
        limits = ChildLimits(settings.timeout_s, settings.memory_mb << 20, settings.recycle_after_steps)
        self._least_fraction = settings.least_fraction
        self._child = ChildProcess(module, limits)

    def split(
        self, path: Path, clips: tuple[Clip, ...] | None, clip_settings: ClipSettings, limits: FrameSettings
    ) -> tuple[VideoInfo, tuple[Clip, ...]]:
        """What a local video file is, and its clips (see ``video.split``).

        Raises:
            ItemError: The video is rejected.
        """
        values = self._call(
            "split",
            path=str(path),
            clips=None if clips is None else _times(clips),
            clip_settings=clip_settings.model_dump(mode="json"),
            limits=limits.model_dump(mode="json"),
        ).values
        return VideoInfo(**values["info"]), tuple(Clip(*times) for times in values["clips"])

    def sample(
        self, path: Path, info: VideoInfo, clips: tuple[Clip, ...], fps: float, image_size_px: int
    ) -> SampledFrames:
        """The frames of every clip (see ``video.frames``).

        Raises:
            ItemError: The video is rejected.
        """
        answer = self._call(
            "sample",
            path=str(path),
            info=asdict(info),
            clips=_times(clips),
            fps=fps,
            image_size_px=image_size_px,
            least_fraction=self._least_fraction,
        )
        frames, *thumbnails = answer.blobs
        return SampledFrames(
            frames_TCHW=np.frombuffer(frames, np.uint8).reshape(-1, 3, image_size_px, image_size_px),
            clip_index_T=np.array(answer.values["clip_index"], np.int32),
            time_s_T=np.array(answer.values["time_s"], np.float64),
            thumbnails_jpeg=tuple(thumbnails),
            decoder=answer.values["decoder"],
            notes=tuple(answer.values["notes"]),
            clips=tuple(Clip(*times) for times in answer.values["clips"]),
        )

    @property
    def pid(self) -> int | None:
        """Process id of the child, if one is running."""
        return self._child.pid

    @property
    def cpu_s(self) -> float:
        """CPU time that children have taken so far, in seconds."""
        return self._child.cpu_s

    def close(self) -> None:
        """End the child; the next video starts another."""
        self._child.close()

    def _call(self, operation: str, **arguments: Any) -> Answer:
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                return _checked(self._child.call(operation, **arguments))
            except ChildTimedOut as error:
                detail = f"decoding was stopped: {error} (decode.timeout_s)"
                raise UnreadableVideo(RejectReason.DECODER_TIMEOUT, detail) from error
            except ChildTooLarge as error:
                raise _too_large(str(error)) from error
            except ChildCrashed as error:
                if attempt == MOST_ATTEMPTS:
                    detail = f"the decoder was {error}, {attempt} times: the file is damaged or made to do harm"
                    raise UnreadableVideo(RejectReason.DECODER_CRASHED, detail) from error
        raise AssertionError("unreachable")


def _checked(answer: Answer) -> Answer:
    values = answer.values
    if "rejected" in values:
        reason, detail = values["rejected"]
        raise ItemError(RejectReason(reason), detail)
    if "out_of_memory" in values:
        raise _too_large("no more memory could be had")
    if "failed" in values:
        raise RuntimeError(values["failed"])
    return answer


def _too_large(what: str) -> UnreadableVideo:
    detail = f"decoding was stopped: {what} (decode.memory_mb)"
    return UnreadableVideo(RejectReason.DECODER_MEMORY, detail)


def _times(clips: tuple[Clip, ...]) -> list[list[float]]:
    return [[clip.start_s, clip.end_s] for clip in clips]
