"""Frames in, query tokens out: an image tower whose features a Q-Former reads.

Shapes: T frames, C colour channels, H and W pixels, Q queries, D width of a query token.
Computes in float32 on every processor, although bfloat16 is three times as fast on those that have it: features are
cached and shared between machines, so they must not depend, beyond rounding, on the processor that made them nor on the
frames that shared their batch. Towers of the size of BLIP-2's compute in float16 on a GPU (``model.patch_encoder``) and
depend on it as far as float16 rounds. Does not know videos: resizing happens where frames are decoded.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import ModelLoadError, SchemaError
from narrator_ray.model.model_dir import ModelDirectory, VisionSpec

if TYPE_CHECKING:
    import torch
    from open_clip import CLIP
    from torch import nn

    from narrator_ray.model.qformer import FrameQFormer

_CPU_BATCH_FRAMES = 4
"""More frames at once are slower on a CPU: their feature maps no longer stay in its cache."""
_MAX_CAUSE_CHARACTERS = 300


class VisionEncoder(Protocol):
    """Turns frames into query tokens.

    Attributes:
        image_size_px: Width and height of the frames it takes.
        num_queries: Query tokens per frame, Q.
        dim: Width of a query token, D.
        fingerprint: Changes when, and only when, its output may change.
    """

    image_size_px: int
    num_queries: int
    dim: int
    fingerprint: str

    def encode(self, frames_TCHW: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """RGB frames [T, 3, image_size_px, image_size_px] -> tokens [T, Q, D]; each frame is looked at alone."""
        ...


def load_vision_encoder(
    directory: ModelDirectory, device: str = "cpu", batch_frames: int = 32, is_compiled: bool = False
) -> VisionEncoder:
    """Load the vision side of a model.

    Args:
        directory: The model.
        device: A torch device, ``cpu`` or ``cuda``.
        batch_frames: Frames computed at once; more frames given to ``encode`` are split.
        is_compiled: Whether it is compiled with torch.compile first.

    Raises:
        ModelLoadError: Weights are broken or do not fit each other, or the model cannot be compiled here.
    """
    encoder = _load(directory, device, batch_frames)
    if is_compiled:
        encoder.compile()
    return encoder


def _load(directory: ModelDirectory, device: str, batch_frames: int) -> BatchedEncoder:
    spec, fingerprint = directory.spec.vision, directory.spec.fingerprints.encoder
    if spec.kind == "open_clip_qformer":
        from narrator_ray.model.qformer import load_qformer

        tower, qformer = _load_tower(directory), load_qformer(directory.qformer_path)
        _check_queries(directory.qformer_path, spec, tuple(qformer.query_tokens_QD.shape))
        return OpenClipQFormerEncoder(tower, qformer, spec, fingerprint, device, batch_frames)

    from narrator_ray.model import patch_encoder

    is_blip2 = spec.kind == "blip2"
    folder = directory.vision_path if is_blip2 else directory.qformer_path
    patch_qformer = patch_encoder.load_patch_qformer(folder, is_normalised=is_blip2)
    _check_queries(folder, spec, tuple(patch_qformer.query_tokens.shape))
    patches = (
        patch_encoder.load_blip2_tower(folder)
        if is_blip2
        else patch_encoder.OpenClipPatches(_load_tower(directory), spec.feature_layers[0])
    )
    return patch_encoder.PatchEncoder(patches, patch_qformer, spec, fingerprint, device, batch_frames)


def _check_queries(folder: Path, spec: VisionSpec, found: tuple[int, ...]) -> None:
    if found != (spec.num_queries, spec.dim):
        raise ModelLoadError(
            f"{folder}: query tokens are {found}, but the model declares {(spec.num_queries, spec.dim)}"
        )


class BatchedEncoder(ABC):
    """What every :class:`VisionEncoder` does alike: frames checked, split into batches, scaled and normalised."""

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
        """See :meth:`VisionEncoder.encode`.

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


class OpenClipQFormerEncoder(BatchedEncoder):
    """A :class:`VisionEncoder` of an open_clip image tower, convolutional or ViT, and a Q-Former of feature maps.

    Computes in float32 everywhere.
    """

    def __init__(
        self,
        tower: nn.Module,
        qformer: FrameQFormer,
        spec: VisionSpec,
        fingerprint: str,
        device: str = "cpu",
        batch_frames: int = 32,
    ) -> None:
        import torch

        super().__init__(spec, fingerprint, device, batch_frames)
        self._tower: Any = tower.eval().to(device).to(memory_format=torch.channels_last)
        self._qformer = qformer.eval().to(device)
        self._layers = list(spec.feature_layers)

    def tokens(self, pixels_TCHW: torch.Tensor) -> torch.Tensor:
        """See :meth:`BatchedEncoder.tokens`."""
        tokens_TQD: torch.Tensor = self._qformer(self._maps(pixels_TCHW))
        return tokens_TQD

    def feature_maps(self, frames_TCHW: torch.Tensor) -> list[torch.Tensor]:
        """What the Q-Former reads: one float32 [T, C, H, W] per feature layer, for uint8 frames."""
        return self._maps(self.pixels(frames_TCHW))

    def _maps(self, pixels_TCHW: torch.Tensor) -> list[torch.Tensor]:
        features = self._tower.forward_intermediates(
            pixels_TCHW, indices=self._layers, stop_early=True, intermediates_only=True, output_fmt="NCHW"
        )
        maps: list[torch.Tensor] = features["image_intermediates"]
        return maps


def new_tower(vision_cfg: dict[str, Any], embed_dim: int) -> tuple[CLIP, dict[str, Any]]:
    """An open_clip model with that image tower, without trained weights, and its configuration.

    open_clip knows image towers only as half of a CLIP model. The text half is as small as it can be: a few hundred
    numbers that nothing reads.

    Args:
        vision_cfg: The tower, in the terms of open_clip's model configurations.
        embed_dim: Width of the vector that the tower gives for a whole image.
    """
    from open_clip import CLIP

    text_cfg = {"context_length": 1, "vocab_size": 2, "width": 8, "heads": 1, "layers": 1}
    config: dict[str, Any] = {"embed_dim": embed_dim, "vision_cfg": vision_cfg, "text_cfg": text_cfg}
    return CLIP(embed_dim, vision_cfg, text_cfg), config


def save_tower(model: CLIP, config: dict[str, Any], spec: VisionSpec, path: Path) -> None:
    """Write an open_clip model directory: what ``open_clip.create_model("local-dir:...")`` loads."""
    from safetensors.torch import save_file

    path.mkdir(parents=True, exist_ok=True)
    preprocess = {"size": spec.image_size_px, "mean": spec.mean, "std": spec.std, "resize_mode": "squash"}
    text = json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}, indent=2)
    (path / "open_clip_config.json").write_text(text + "\n", encoding="utf-8")
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, path / "open_clip_model.safetensors", metadata={"format": "pt"})


def _load_tower(directory: ModelDirectory) -> nn.Module:
    import open_clip
    from safetensors import SafetensorError

    try:
        model = open_clip.create_model(f"local-dir:{directory.vision_path}", device="cpu")
    except (OSError, ValueError, RuntimeError, TypeError, SafetensorError) as error:
        raise ModelLoadError(f"{directory.vision_path}: open_clip cannot load the image tower: {error}") from error
    tower: nn.Module = model.visual
    return tower
