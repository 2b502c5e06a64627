"""The Q-Former: learned queries that read a frame's feature maps and become its visual tokens.

Shapes: B frames, C channels, H and W of a feature map, N tokens read, E width of a token read, Q queries, D width of a
query token. It reads whole maps, not one pooled vector: colour and motion are lost in pooling. Does not know which
image tower made the maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.weights_files import QUERY_TOKENS_FILE

_WEIGHTS_FILE = "model.safetensors"


class GridTokens(nn.Module):
    """Turns one feature map into tokens: a linear layer per place, plus an embedding of the place and of the map."""

    def __init__(self, channels: int, num_places: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, width)
        self.position_NE = nn.Parameter(torch.zeros(num_places, width))

    def forward(self, map_BCHW: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, H*W, E]."""
        tokens_BNE: Tensor = self.linear(map_BCHW.flatten(2).transpose(1, 2)) + self.position_NE
        return tokens_BNE


class FrameQFormer(nn.Module):
    """BLIP-2's Q-Former over the feature maps of single frames. Source: paper, section 4.1 (visual feature extraction).

    Deviation: it reads several maps of a convolutional tower, where the paper's reads the patch tokens of a ViT.
    """

    def __init__(self, config: Blip2QFormerConfig, num_queries: int, grids: Sequence[GridTokens]) -> None:
        super().__init__()
        self.query_tokens_QD = nn.Parameter(torch.zeros(num_queries, config.hidden_size))
        self.grids = nn.ModuleList(grids)
        self.qformer = Blip2QFormerModel(config)

    def forward(self, maps_BCHW: Sequence[Tensor]) -> Tensor:
        """Feature maps, one [B, C, H, W] per grid, -> query tokens [B, Q, D]."""
        tokens_BNE = torch.cat([grid(one) for grid, one in zip(self.grids, maps_BCHW, strict=True)], dim=1)
        queries_BQD = self.query_tokens_QD.expand(len(tokens_BNE), -1, -1)
        output = self.qformer(query_embeds=queries_BQD, encoder_hidden_states=tokens_BNE)
        tokens_BQD: Tensor = output.last_hidden_state
        return tokens_BQD


def save_qformer(qformer: FrameQFormer, path: Path) -> None:
    """Write config.json and model.safetensors of the transformers model, and query_tokens.safetensors beside them."""
    path.mkdir(parents=True, exist_ok=True)
    qformer.qformer.config.save_pretrained(path)
    weights = {name: tensor.contiguous() for name, tensor in qformer.state_dict().items()}
    own = {name.removeprefix("qformer."): tensor for name, tensor in weights.items() if name.startswith("qformer.")}
    rest = {name: tensor for name, tensor in weights.items() if not name.startswith("qformer.")}
    save_file(own, path / _WEIGHTS_FILE, metadata={"format": "pt"})
    save_file(rest, path / QUERY_TOKENS_FILE, metadata={"format": "pt"})


def load_qformer(path: Path) -> FrameQFormer:
    """Read what :func:`save_qformer` wrote.

    Raises:
        ModelLoadError: A file is missing or broken, or the files do not belong together.
    """
    try:
        config = Blip2QFormerConfig.from_pretrained(path, local_files_only=True)
        rest = load_file(path / QUERY_TOKENS_FILE)
        qformer = FrameQFormer(config, len(rest["query_tokens_QD"]), _empty_grids(rest))
        own = {f"qformer.{name}": tensor for name, tensor in load_file(path / _WEIGHTS_FILE).items()}
        qformer.load_state_dict({**rest, **own})
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ModelLoadError(f"{path}: the Q-Former cannot be loaded: {error}") from error
    return qformer.eval()


def _empty_grids(weights: dict[str, Tensor]) -> list[GridTokens]:
    num_grids = sum(name.startswith("grids.") and name.endswith(".position_NE") for name in weights)
    shapes = [
        (weights[f"grids.{i}.linear.weight"].shape, weights[f"grids.{i}.position_NE"].shape) for i in range(num_grids)
    ]
    return [GridTokens(channels, num_places, width) for (_, channels), (num_places, width) in shapes]
