"""What all vision encoders do alike: frames are checked, split into batches, scaled and normalised.

Shapes: T frames, C colour channels, H and W pixels, Q queries, D width of a query token. Knows no network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import ModelLoadError, SchemaError
from narrator_ray.model.model_dir import VisionSpec

if TYPE_CHECKING:
    import torch

_CPU_BATCH_FRAMES = 4
"""More frames at once are slower on a CPU: their feature maps no longer stay in its cache."""
_MAX_CAUSE_CHARACTERS = 300


class BatchedEncoder(ABC):
    """The frame of every ``vision_encoder.VisionEncoder``: a network adds :meth:`tokens`."""

    def __init__(self, spec: VisionSpec, fingerprint: str, device: str = "cpu", batch_frames: int = 32) -> None:
        import torch

        self.image_size_px = spec.image_size_px
        self.num_queries = spec.num_queries
        self.dim = spec.dim
        self.fingerprint = fingerprint
        self._device = device
        self._batch_frames = min(batch_frames, _CPU_BATCH_FRAMES) if device == "cpu" else batch_frames
        # (x / 255 - mean) / std as one multiplication and one addition.
        std_C = torch.tensor(spec.std, device=device)
        self._scale_C11 = (1 / (255 * std_C)).view(3, 1, 1)
        self._shift_C11 = (-torch.tensor(spec.mean, device=device) / std_C).view(3, 1, 1)
        self._compiled: Callable[[torch.Tensor], torch.Tensor] | None = None

    @abstractmethod
    def tokens(self, pixels_TCHW: torch.Tensor) -> torch.Tensor:
        """Normalised float32 pixels [T, 3, H, W] on the encoder's device -> query tokens [T, Q, D]."""

    def compile(self) -> None:
        """Compile the encoder for full batches and encode one; from now on, smaller batches are filled up.

        Raises:
            ModelLoadError: torch cannot compile it on this machine.
        """
        import torch

        self._compiled = torch.compile(self.tokens, dynamic=False)
        try:
            self.encode(np.zeros((1, 3, self.image_size_px, self.image_size_px), np.uint8))
        except RuntimeError as error:  # what torch raises for a missing compiler and for code it cannot compile
            cause = " ".join(str(error).split())[:_MAX_CAUSE_CHARACTERS]
            raise ModelLoadError(
                f"the vision encoder cannot be compiled here: {cause}; install a C++ compiler (for a CPU) or triton "
                "(for a GPU), or drop load.compile_encoder from the preset"
            ) from error

    def encode(self, frames_TCHW: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """See ``vision_encoder.VisionEncoder.encode``.

        Raises:
            SchemaError: The frames are not uint8 [T, 3, image_size_px, image_size_px].
        """
        size = self.image_size_px
        if frames_TCHW.dtype != np.uint8 or frames_TCHW.shape[1:] != (3, size, size):
            raise SchemaError(
                f"frames: expected uint8 [T, 3, {size}, {size}], got {frames_TCHW.dtype} {list(frames_TCHW.shape)}"
            )
        tokens_TQD = np.empty((len(frames_TCHW), self.num_queries, self.dim), np.float16)
        for start in range(0, len(frames_TCHW), self._batch_frames):
            batch = slice(start, start + self._batch_frames)
            tokens_TQD[batch] = self._encode_batch(frames_TCHW[batch])
        return tokens_TQD

    def _encode_batch(self, frames_TCHW: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        import torch

        pixels_TCHW = self.pixels(torch.tensor(frames_TCHW))
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            if self._compiled is None:
                tokens = self.tokens(pixels_TCHW)
            else:
                missing = self._batch_frames - len(frames_TCHW)
                full_TCHW = torch.nn.functional.pad(pixels_TCHW, (0, 0, 0, 0, 0, 0, 0, missing))
                tokens = self._compiled(full_TCHW.contiguous(memory_format=torch.channels_last))[: len(frames_TCHW)]
            tokens_TQD: npt.NDArray[np.float16] = tokens.half().cpu().numpy()
        return tokens_TQD

    def pixels(self, frames_TCHW: torch.Tensor) -> torch.Tensor:
        """uint8 frames [T, 3, H, W] -> normalised float32 pixels on the encoder's device, channels last."""
        import torch

        pixels_TCHW = frames_TCHW.to(self._device, torch.float32, memory_format=torch.channels_last)
        return pixels_TCHW * self._scale_C11 + self._shift_C11
