"""Text and frames -> vectors of one space, for EMScore.

Takes a directory of either kind: transformers (ChineseCLIPModel, the paper's, or CLIPModel, OpenAI's) or open_clip.
Reads local files only, weights as safetensors only, and runs no code beside them.

Source: released code, emscore_Chinese.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from narrator_ray.errors import ModelLoadError
from narrator_ray.metrics.text_batches import Vectors, embed_in_batches

Frames = npt.NDArray[np.uint8]

_OPEN_CLIP_FILES = ("open_clip_config.json", "open_clip_model.safetensors")
_MAX_CAUSE_CHARACTERS = 300


class ClipNetwork(Protocol):
    """What of a CLIP network the kinds do differently."""

    def texts(self, texts: list[str]) -> torch.Tensor:
        """[n, D], of any length."""
        ...

    def frames(self, frames_TCHW: Frames) -> torch.Tensor:
        """[T, D], of any length."""
        ...


class ClipModel:
    """A loaded CLIP network.

    Args:
        network: Of either kind.
        batch_size: Texts or frames computed at once; what comes out does not depend on it, beyond rounding.
    """

    def __init__(self, network: ClipNetwork, batch_size: int = 64) -> None:
        self._network, self._batch_size = network, batch_size

    @classmethod
    def load(cls, directory: Path, device: str = "cpu", batch_size: int = 64) -> ClipModel:
        """Load a directory of either kind.

        Raises:
            ModelLoadError: It is neither, or its weights are no safetensors.
        """
        is_open_clip = (directory / _OPEN_CLIP_FILES[0]).is_file()
        try:
            network = OpenClipNetwork(directory, device) if is_open_clip else TransformersClip(directory, device)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ModelLoadError(
                f"{directory}: neither a CLIP model of transformers nor of open_clip with weights as safetensors: "
                f"{str(error)[:_MAX_CAUSE_CHARACTERS]}"
            ) from error
        return cls(network, batch_size)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """float32 [N, D], every vector of length 1; texts longer than the network's context are cut."""
        return embed_in_batches(texts, self._batch_size, lambda some: _as_vectors(self._network.texts(some)))

    def embed_frames(self, frames_TCHW: Frames) -> Vectors:
        """RGB frames [T, 3, H, W] of any size -> float32 [T, D], every vector of length 1."""
        starts = range(0, len(frames_TCHW), self._batch_size)
        vectors_TD = np.concatenate(
            [_as_vectors(self._network.frames(frames_TCHW[start : start + self._batch_size])) for start in starts]
        )
        vectors_TD /= np.linalg.norm(vectors_TD, axis=1, keepdims=True)
        return vectors_TD


class TransformersClip:
    """A ChineseCLIPModel or CLIPModel."""

    def __init__(self, directory: Path, device: str) -> None:
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        loader: Any = AutoImageProcessor
        model: Any = AutoModel.from_pretrained(
            directory, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
        if not hasattr(model, "get_image_features"):
            raise ValueError(f"a {type(model).__name__} has no common space of texts and images")
        self._model, self._device = model.to(device).eval(), device
        self._tokenizer: Any = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        self._processor = loader.from_pretrained(directory, local_files_only=True)

    def texts(self, texts: list[str]) -> torch.Tensor:
        """[n, D], of any length."""
        most = self._model.config.text_config.max_position_embeddings
        inputs = self._tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt")
        with torch.inference_mode():
            return _pooled(self._model.get_text_features(**inputs.to(self._device)))

    def frames(self, frames_TCHW: Frames) -> torch.Tensor:
        """[T, D], of any length."""
        inputs = self._processor(images=list(frames_TCHW), return_tensors="pt", input_data_format="channels_first")
        with torch.inference_mode():
            return _pooled(self._model.get_image_features(pixel_values=inputs["pixel_values"].to(self._device)))


class OpenClipNetwork:
    """A model directory of open_clip."""

    def __init__(self, directory: Path, device: str) -> None:
        missing = [name for name in _OPEN_CLIP_FILES if not (directory / name).is_file()]
        if missing:
            raise ValueError(f"{', '.join(missing)} is missing")
        import open_clip

        name = f"local-dir:{directory}"
        model, preprocess = open_clip.create_model_from_pretrained(name, device=device)
        self._model, self._preprocess, self._device = model.eval(), preprocess, device
        self._tokenizer: Any = open_clip.get_tokenizer(name)

    def texts(self, texts: list[str]) -> torch.Tensor:
        """[n, D], of any length."""
        with torch.inference_mode():
            features: torch.Tensor = self._model.encode_text(self._tokenizer(texts).to(self._device))
        return features

    def frames(self, frames_TCHW: Frames) -> torch.Tensor:
        """[T, D], of any length."""
        from PIL import Image

        pictures = [self._preprocess(Image.fromarray(frame.transpose(1, 2, 0))) for frame in frames_TCHW]
        with torch.inference_mode():
            features: torch.Tensor = self._model.encode_image(torch.stack(pictures).to(self._device))
        return features


def _pooled(output: Any) -> torch.Tensor:
    features: torch.Tensor = output if isinstance(output, torch.Tensor) else output.pooler_output
    return features


def _as_vectors(features_ND: torch.Tensor) -> Vectors:
    vectors: Vectors = features_ND.float().cpu().numpy()
    return vectors
