"""Frames in, query tokens out: an image tower whose features a Q-Former reads.

Shapes: T frames, C colour channels, H and W pixels, Q queries, D width of a query token.
Computes in float32 on every processor, although bfloat16 is three times as fast on those that have it: features are
cached and shared between machines, so they must not depend, beyond rounding, on the processor that made them nor on the
frames that shared their batch. Towers of the size of BLIP-2's compute in float16 on a GPU (``model.patch_encoder``) and
depend on it as far as float16 rounds. Does not know videos: resizing happens where frames are decoded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.batched_encoder import BatchedEncoder
from narrator_ray.model.model_dir import ModelDirectory, VisionSpec

if TYPE_CHECKING:
    import torch
    from open_clip import CLIP
    from torch import nn

    from narrator_ray.model.qformer import FrameQFormer


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
