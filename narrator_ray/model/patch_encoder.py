"""Patch tokens of an image tower, read by BLIP-2's Q-Former.

Two towers give them: an open_clip ViT, at the layer the Q-Former was trained on, and the vision model of a Blip2Model.
BLIP-2 reads the output of the last layer but one, class token included, through a layer norm; Blip2Model has dropped
the last layer for good, so that all its layers count.

Shapes: B frames, C channels, H and W pixels, N patches and class token, E their width, Q queries, D width of a query
token. Source: paper, section 4.1 (visual feature extraction); released code, which runs Blip2Model in float16.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel, Blip2VisionConfig, Blip2VisionModel

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.batched_encoder import BatchedEncoder
from narrator_ray.model.blip2 import QUERY_TOKENS, qformer_settings, query_tokens_shape, read_tensors
from narrator_ray.model.model_dir import VisionSpec
from narrator_ray.model.weights_files import BLIP2_QFORMER, BLIP2_VISION, is_blip2, read_json, weight_files

_NORMS = ("vision_model.post_layernorm.", "ln_vision.")


class OpenClipPatches(nn.Module):
    """The tokens of one layer of an open_clip tower, prefix tokens first."""

    def __init__(self, tower: nn.Module, layer: int) -> None:
        super().__init__()
        self.tower: Any = tower
        self.layer = layer

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """[B, 3, H, W] -> [B, N, E]."""
        features = self.tower.forward_intermediates(
            pixels_BCHW,
            indices=[self.layer],
            stop_early=True,
            intermediates_only=True,
            output_fmt="NLC",
            output_extra_tokens=True,
        )
        prefix = [tokens for tokens in features.get("image_intermediates_prefix", []) if tokens is not None]
        return torch.cat([*prefix, *features["image_intermediates"]], dim=1)


class Blip2Patches(nn.Module):
    """The tokens of a Blip2Model's vision model, its last norm applied."""

    def __init__(self, model: Blip2VisionModel) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """[B, 3, H, W] -> [B, N, E]."""
        tokens_BNE: Tensor = self.model(pixels_BCHW).last_hidden_state
        return tokens_BNE


class PatchQFormer(nn.Module):
    """BLIP-2's Q-Former with its query tokens, and the norm of the features it reads where the tower has none."""

    def __init__(self, config: Blip2QFormerConfig, num_queries: int, norm: nn.Module) -> None:
        super().__init__()
        self.query_tokens = nn.Parameter(torch.zeros(num_queries, config.hidden_size))
        self.norm = norm
        self.qformer = Blip2QFormerModel(config)

    def forward(self, tokens_BNE: Tensor) -> Tensor:
        """Patch tokens [B, N, E] -> query tokens [B, Q, D]."""
        queries_BQD = self.query_tokens.expand(len(tokens_BNE), -1, -1)
        output = self.qformer(query_embeds=queries_BQD, encoder_hidden_states=self.norm(tokens_BNE))
        tokens_BQD: Tensor = output.last_hidden_state
        return tokens_BQD


class PatchEncoder(BatchedEncoder):
    """A :class:`~narrator_ray.model.vision_encoder.VisionEncoder` of a tower that gives patch tokens and a Q-Former.

    On a GPU the tower computes in float16, as the released code does, and the Q-Former in float32; on a CPU all is
    float32.

    Raises:
        ModelLoadError: The tower gives no patch tokens, or others than the Q-Former reads.
    """

    def __init__(
        self,
        tower: nn.Module,
        qformer: PatchQFormer,
        spec: VisionSpec,
        fingerprint: str,
        device: str = "cpu",
        batch_frames: int = 32,
    ) -> None:
        super().__init__(spec, fingerprint, device, batch_frames)
        self._dtype = torch.float32 if device == "cpu" else torch.float16
        self._tower: Any = tower.eval().to(device, self._dtype).requires_grad_(False)
        if device != "cpu":
            self._tower = self._tower.to(memory_format=torch.channels_last)
        self._qformer = qformer.eval().to(device).requires_grad_(False)
        self._check_width()

    def tokens(self, pixels_TCHW: Tensor) -> Tensor:
        """See :meth:`BatchedEncoder.tokens`."""
        features_TNE = self._tower(pixels_TCHW.to(self._dtype)).float()
        tokens_TQD: Tensor = self._qformer(features_TNE)
        return tokens_TQD

    def _check_width(self) -> None:
        """Show the tower one black frame, because open_clip's towers do not say what they give."""
        size = self.image_size_px
        wanted = self._qformer.qformer.config.encoder_hidden_size
        try:
            with torch.inference_mode():
                found = self._tower(torch.zeros(1, 3, size, size, dtype=self._dtype, device=self._device)).shape
        except (AssertionError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            raise ModelLoadError(
                f"the image tower gives no patch tokens for frames of {size} px: {error}; choose a ViT, and a layer "
                "it has (feature_layers)"
            ) from error
        if found[-1] != wanted:
            raise ModelLoadError(
                f"the image tower gives tokens of width {found[-1]}, the Q-Former reads {wanted}: they were not "
                "trained together; choose the tower the Q-Former was trained with"
            )


def load_patch_qformer(folder: Path, is_normalised: bool) -> PatchQFormer:
    """Read a Q-Former, alone or in a Blip2Model.

    Args:
        folder: Where it lies.
        is_normalised: Whether the tower has already applied the norm of the features.

    Raises:
        ModelLoadError: A file is missing or broken, or the files do not belong together.
    """
    files = [folder / name for name in weight_files("qformer", folder)]
    weights = read_tensors(files, BLIP2_QFORMER if is_blip2(folder) else ("",))
    named = {_own_name(name, is_blip2(folder)): tensor.float() for name, tensor in weights.items()}
    if "query_tokens" in named:
        named["query_tokens"] = named["query_tokens"].flatten(0, -2)
    if is_normalised:
        named = {name: tensor for name, tensor in named.items() if not name.startswith("norm.")}
    try:
        config = Blip2QFormerConfig(**qformer_settings(folder))
        has_norm = "norm.weight" in named
        norm = nn.LayerNorm(config.encoder_hidden_size, _norm_eps(folder)) if has_norm else nn.Identity()
        qformer = PatchQFormer(config, query_tokens_shape(folder)[0], norm)
        qformer.load_state_dict(named)
    except (RuntimeError, ValueError, TypeError) as error:
        raise ModelLoadError(f"{folder}: the Q-Former cannot be loaded: {error}") from error
    return qformer.eval()


def load_blip2_tower(folder: Path) -> Blip2Patches:
    """Read the vision model of a Blip2Model.

    Raises:
        ModelLoadError: A file is missing or broken, or the files do not belong together.
    """
    weights = read_tensors([folder / name for name in weight_files("vision", folder)], BLIP2_VISION)
    named = {name.removeprefix(BLIP2_VISION[0]): tensor for name, tensor in weights.items()}
    try:
        with torch.device("meta"):
            model = Blip2VisionModel(Blip2VisionConfig(**read_json(folder / "config.json")["vision_config"]))
        model.load_state_dict(named, assign=True)
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise ModelLoadError(f"{folder}: the vision model cannot be loaded: {error}") from error
    return Blip2Patches(model)


def _own_name(name: str, is_in_blip2: bool) -> str:
    """A tensor's name in :class:`PatchQFormer`."""
    if name.startswith(QUERY_TOKENS):
        return QUERY_TOKENS
    for prefix in _NORMS:
        if name.startswith(prefix):
            return f"norm.{name.removeprefix(prefix)}"
    return name if is_in_blip2 else f"qformer.{name}"


def _norm_eps(folder: Path) -> float:
    """Of the norm before the Q-Former: LAVIS trains it with torch's default, Blip2Model says its own."""
    if not is_blip2(folder):
        return 1e-5
    vision = Blip2VisionConfig(**read_json(folder / "config.json").get("vision_config", {}))
    return float(vision.layer_norm_eps)
