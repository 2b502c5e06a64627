"""Text -> vectors, for InfoSim and InfoDiverse: the mean of a transformer encoder's last hidden states.

Any encoder in transformers format serves: the paper's is a Chinese RoBERTa (large), for English one trained for
sentences is the better choice. Reads local files only, weights as safetensors only, and runs no code beside them.

Source: released code, info_sim.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from narrator_ray.errors import ModelLoadError
from narrator_ray.metrics.text_batches import Vectors, embed_in_batches

_MAX_CAUSE_CHARACTERS = 300


class SentenceModel:
    """A loaded encoder.

    Args:
        directory: config.json, model.safetensors and a tokenizer.
        device: A torch device.
        batch_texts: Texts computed at once; what comes out does not depend on it, beyond rounding.

    Raises:
        ModelLoadError: transformers cannot load the directory.
    """

    def __init__(self, directory: Path, device: str = "cpu", batch_texts: int = 64) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            model: Any = AutoModel.from_pretrained(
                directory, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
            self._tokenizer: Any = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ModelLoadError(
                f"{directory}: not a text encoder in transformers format with weights as safetensors: "
                f"{str(error)[:_MAX_CAUSE_CHARACTERS]}"
            ) from error
        self._model = model.to(device).eval()
        self._device, self._batch_texts = device, batch_texts

    def embed(self, texts: Sequence[str]) -> Vectors:
        """float32 [N, D], every vector of length 1; texts longer than the encoder's context are cut."""
        return embed_in_batches(texts, self._batch_texts, self._means)

    def _means(self, texts: list[str]) -> Vectors:
        most = self._model.config.max_position_embeddings
        inputs = self._tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt")
        inputs = inputs.to(self._device)
        with torch.inference_mode():
            states_NLD = self._model(**inputs).last_hidden_state
        mask_NL1 = inputs["attention_mask"].unsqueeze(-1).float()
        means: Vectors = ((states_NLD * mask_NL1).sum(1) / mask_NL1.sum(1)).float().cpu().numpy()
        return means
