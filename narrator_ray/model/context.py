"""What the language model sees of each clip: memory of all clips before it, its own compressed frames, its position.

Source: paper, section 4; the released code's Chinese variant: the current clip is compressed, the memory is made of
uncompressed frames. The released English variant (Video Storytelling) does not compress the current clip and lets CLIP
vectors decide what the memory merges: ``use_compression=False`` with a ``guide_TD``. Knows neither torch nor the
language model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from narrator_ray.config import ModelSettings
from narrator_ray.model.compression import compress_frames
from narrator_ray.model.memory import consolidate_memory
from narrator_ray.model.position import relative_position
from narrator_ray.model.similarity import representatives
from narrator_ray.schema import VideoFeatures

MemoryKind = Literal["consolidated", "all", "none"]
"""What is kept of earlier clips: a few averaged frames, every frame as it is (the paper's ablation e), or nothing."""


@dataclass(frozen=True, slots=True)
class ClipContext:
    """The visual side of one clip's prompt.

    Attributes:
        tokens_ND: float16 [N, D]: memory tokens (none for the first clip), then the compressed frames' tokens.
        position: Relative position, 0 to 99; None where the model is not told.
        kept_indices: Frames left after compression, as indices into the video's frames.
    """

    tokens_ND: npt.NDArray[np.float16]
    position: int | None
    kept_indices: tuple[int, ...]

    def __repr__(self) -> str:
        return f"ClipContext({len(self.tokens_ND)} tokens, position {self.position}, {len(self.kept_indices)} frames)"


def prepare_context(
    features: VideoFeatures,
    settings: ModelSettings,
    guide_TD: npt.NDArray[np.floating] | None = None,
) -> tuple[ClipContext, ...]:
    """Contexts of all clips of a video, in order.

    Args:
        features: Query tokens of every sampled frame; every clip has at least one frame.
        settings: Compression, memory and position, each of which the paper's ablations switch off.
        guide_TD: [T, D'] vectors whose similarity decides what the memory merges; None: the frames' mean tokens.
    """
    tokens_TQD = features.tokens_TQD
    if guide_TD is None:
        guide_TD = representatives(tokens_TQD)
    past_TQD = tokens_TQD.astype(np.float32)
    durations_s = [clip.duration_s for clip in features.clips]
    contexts = []
    for index in range(len(features.clips)):
        own = features.frames_of(index)
        begin = int(own[0])
        kept = (
            own[compress_frames(tokens_TQD[own], settings.compression_threshold)[1]]
            if settings.use_compression
            else own
        )
        memory_FQD = _memory(past_TQD[:begin], guide_TD[:begin], settings.memory, settings.memory_frames)
        seen_TQD = np.concatenate([memory_FQD, tokens_TQD[kept]]).astype(np.float16)
        position = relative_position(durations_s, index) if settings.use_position else None
        contexts.append(ClipContext(seen_TQD.reshape(-1, seen_TQD.shape[2]), position, tuple(kept.tolist())))
    return tuple(contexts)


def _memory(
    past_TQD: npt.NDArray[np.float32], guide_TD: npt.NDArray[np.floating], kind: MemoryKind, num_frames: int
) -> npt.NDArray[np.floating]:
    """What is kept of the frames before a clip, [F, Q, D]."""
    if kind == "consolidated" and len(past_TQD):
        return consolidate_memory(past_TQD, num_frames, guide_TD)
    return past_TQD if kind == "all" else past_TQD[:0]
