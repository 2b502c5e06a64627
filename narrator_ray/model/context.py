"""What the language model sees of each clip: memory of all clips before it, its own compressed frames, its position.

Source: paper, section 4; the released code's Chinese variant: the current clip is compressed, the memory is made of
uncompressed frames. Knows neither torch nor the language model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narrator_ray.config import ModelSettings
from narrator_ray.model.compression import compress_frames
from narrator_ray.model.memory import consolidate_memory
from narrator_ray.model.position import relative_position
from narrator_ray.schema import VideoFeatures


@dataclass(frozen=True, slots=True)
class ClipContext:
    """The visual side of one clip's prompt.

    Attributes:
        tokens_ND: float16 [N, D]: memory tokens (none for the first clip), then the compressed frames' tokens.
        position: Relative position, 0 to 99.
        kept_indices: Frames left after compression, as indices into the video's frames.
    """

    tokens_ND: npt.NDArray[np.float16]
    position: int
    kept_indices: tuple[int, ...]

    def __repr__(self) -> str:
        return f"ClipContext({len(self.tokens_ND)} tokens, position {self.position}, {len(self.kept_indices)} frames)"


def prepare_context(features: VideoFeatures, settings: ModelSettings) -> tuple[ClipContext, ...]:
    """Contexts of all clips of a video, in order.

    Args:
        features: Query tokens of every sampled frame; every clip has at least one frame.
        settings: Compression threshold and length of the memory in frames.
    """
    durations_s = [clip.duration_s for clip in features.clips]
    return tuple(
        _clip_context(features, settings, relative_position(durations_s, index), index)
        for index in range(len(features.clips))
    )


def _clip_context(features: VideoFeatures, settings: ModelSettings, position: int, index: int) -> ClipContext:
    own = features.frames_of(index)
    compressed, kept = compress_frames(features.tokens_TQD[own], settings.compression_threshold)
    earlier = features.tokens_TQD[: own[0]]
    parts = [consolidate_memory(earlier, settings.memory_frames)] if len(earlier) else []
    tokens_TQD = np.concatenate([*parts, compressed]).astype(np.float16)
    return ClipContext(tokens_TQD.reshape(-1, tokens_TQD.shape[2]), position, tuple(own[kept].tolist()))
