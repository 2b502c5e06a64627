"""The encoder's replica: one vision encoder, whose batches are filled from request to request. Knows no Ray."""

from __future__ import annotations

import asyncio

import numpy as np
import numpy.typing as npt

from narrator_ray.config import Config
from narrator_ray.errors import NarratorError
from narrator_ray.model.presets import Preset, prepare_model
from narrator_ray.records import Product, Rejection, Video
from narrator_ray.runs.work import WorkItem
from narrator_ray.stages.cpu_threads import use_cpu_threads
from narrator_ray.stages.shared_encoder import SharedEncoder

_STEP = "encode_features"


class Encoder:
    """Turns frames into query tokens for all who ask.

    Args:
        preset: Which model.
        config: Batch size and threads.
        device: "cpu" or "cuda".
    """

    def __init__(self, preset: Preset, config: Config, device: str) -> None:
        use_cpu_threads(config.run.cpu_threads)
        from narrator_ray.model.vision_encoder import load_vision_encoder  # loads torch

        batch_frames, model = config.run.encode_batch_frames, prepare_model(preset, config.storage)
        encoder = load_vision_encoder(model, device, batch_frames, preset.load.compile_encoder)
        self._image_size_px = encoder.image_size_px
        self._shared = SharedEncoder(encoder, batch_frames, _STEP)

    async def encode(self, item: WorkItem, frames_TCHW: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16] | Rejection:
        """Frames [T, 3, S, S] to tokens [T, Q, D], or why there are none."""
        (seen,) = self._shared.submit([(item, frames_TCHW)])
        return (await asyncio.wrap_future(seen)).outcome

    async def check_health(self) -> None:
        """Look at a grey frame.

        Raises:
            NarratorError: That does not work.
        """
        frame_TCHW = np.full((1, 3, self._image_size_px, self._image_size_px), 128, np.uint8)
        item = WorkItem(Video("health", "/", Product("health"), "en"), "", "", "", False, False)
        outcome = await self.encode(item, frame_TCHW)
        if isinstance(outcome, Rejection):
            raise NarratorError(f"the encoder cannot look at a picture: {outcome.detail}")
