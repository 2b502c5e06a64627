"""VideoNarrator: a causal language model that reads visual tokens in place of placeholders.

Source: paper, section 4, as in the released code: every visual token enters as P(f) + P(e), the same linear projector P
applied to the token and to the embedding e of the clip's relative position. They replace exactly the ``<vid_patch>``
placeholders between ``<vid_start>`` and ``<vid_end>``. Knows nothing of prompts, lengths or decoding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.language_model import load_language_model
from narrator_ray.model.mixed_precision import use_bfloat16_products
from narrator_ray.model.position import NUM_POSITIONS
from narrator_ray.model.resident_adapters import ResidentAdapters

PATCH_TOKEN, START_TOKEN, END_TOKEN = "<vid_patch>", "<vid_start>", "<vid_end>"


class VideoNarrator(nn.Module):
    """Language model, projector and position embedding.

    Args:
        llm: Any causal language model that takes ``inputs_embeds``.
        tokenizer: Its tokenizer, which knows the three video tokens.
        projector: Linear layer with bias, width of a visual token (D) to the model's hidden size (H).
        position_embedding: [100, D].
        adapters: Adapters that rows of a call can go through, attached to the model; None for none.

    Raises:
        ModelLoadError: The parts do not fit each other.
    """

    def __init__(
        self,
        llm: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        projector: nn.Linear,
        position_embedding: nn.Embedding,
        adapters: ResidentAdapters | None = None,
    ) -> None:
        super().__init__()
        self.adapters = adapters or ResidentAdapters()
        self.llm = llm
        self.tokenizer = tokenizer
        self.projector = projector
        self.position_embedding = position_embedding
        self.patch_id, self.start_id, self.end_id = (
            _token_id(tokenizer, token) for token in (PATCH_TOKEN, START_TOKEN, END_TOKEN)
        )
        hidden_size = self.token_embedding.embedding_dim
        if projector.out_features != hidden_size:
            raise ModelLoadError(f"the projector gives {projector.out_features} values, the model takes {hidden_size}")
        if position_embedding.embedding_dim != projector.in_features:
            raise ModelLoadError(
                f"position embeddings have {position_embedding.embedding_dim} values, the projector takes "
                f"{projector.in_features}"
            )

    @classmethod
    def load(
        cls,
        directory: Path,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        adapter: Path | None = None,
        use_adapter: bool = True,
        *,
        attention: str = "sdpa",
        device_map: str | None = None,
        quantisation: str | None = None,
        has_half_products: bool = False,
        adapters: Mapping[str, Path] | None = None,
    ) -> Self:
        """Load a model directory (see ``model.model_dir``) for inference; a PEFT adapter is merged into the weights.

        A language model without the video tokens is given them (see ``model.language_model``).

        Args:
            directory: The directory.
            device: Where to put it.
            dtype: Of all weights.
            adapter: A PEFT adapter to use in place of the directory's own, if it has one.
            use_adapter: False uses none (the paper's ablation a).
            attention: Implementation of attention, ``sdpa`` or ``eager``.
            device_map: How to spread the language model over several devices; None keeps it on one.
            quantisation: ``8bit`` or ``4bit`` weights, which need bitsandbytes; None keeps them as they are.
            has_half_products: Whether the language model multiplies in bfloat16 (see ``model.mixed_precision``).
            adapters: Directories of further PEFT adapters by name, kept beside the weights: every row of a call may go
                through another one (see ``model.resident_adapters``).

        Raises:
            ModelLoadError: A part cannot be read, the parts do not fit each other, or an option cannot be used here.
        """
        disable_progress_bar()  # type: ignore[no-untyped-call]
        own_adapter = directory / "adapter"
        chosen = (adapter or (own_adapter if own_adapter.is_dir() else None)) if use_adapter else None
        try:
            llm, tokenizer = load_language_model(
                directory / "llm", device, dtype, attention, device_map, quantisation, chosen
            )
            projector, positions = _load_projection(directory / "projection.safetensors")
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
            raise ModelLoadError(f"{directory}: the narrator cannot be loaded: {error}") from error
        resident = ResidentAdapters.read(adapters or {})
        if has_half_products:
            use_bfloat16_products(llm, resident.layers)
        resident.attach(llm, dtype)
        home: Any = llm.get_input_embeddings().weight.device
        narrator = cls(llm, tokenizer, projector.to(home, dtype), positions.to(home, dtype), resident)
        return narrator.eval().requires_grad_(False)

    @property
    def token_embedding(self) -> nn.Embedding:
        """The language model's input embedding, [V, H]."""
        embedding = self.llm.get_input_embeddings()
        if not isinstance(embedding, nn.Embedding):
            raise ModelLoadError(f"{type(self.llm).__name__}: its input embedding is a {type(embedding).__name__}")
        return embedding

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.projector.weight.device

    @property
    def context_length(self) -> int:
        """Most tokens of one sequence."""
        return int(self.llm.config.max_position_embeddings)

    def embed_visual(self, tokens_ND: Tensor, position: int | None) -> Tensor:
        """Visual tokens as the language model reads them: P(f) + P(e), [N, H].

        Args:
            tokens_ND: [N, D] visual tokens of one clip.
            position: Relative position of the clip, 0 to 99; None leaves P(e) out.
        """
        weight = self.projector.weight
        projected: Tensor = self.projector(tokens_ND.to(weight.device, weight.dtype))
        if position is None:
            return projected
        place = self.position_embedding(torch.tensor(position, device=weight.device))
        together: Tensor = projected + self.projector(place)
        return together

    def embed(self, input_ids: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
        """Input embeddings of token ids, the placeholders of each visual span replaced by the given vectors.

        Args:
            input_ids: [L] or [B, L] token ids.
            visual: Results of :meth:`embed_visual`, one per ``<vid_start>`` … ``<vid_end>`` span in reading order, the
                rows of a batch one after another.

        Returns:
            [L, H] or [B, L, H].

        Raises:
            ValueError: Spans and vectors differ in number, or a placeholder stands outside a span.
        """
        ids = input_ids.to(self.device)
        embedded: Tensor = self.token_embedding(ids)
        places = (ids.flatten() == self.patch_id).nonzero()[:, 0]
        num_vectors = sum(len(vectors) for vectors in visual)
        if len(places) != num_vectors:
            raise ValueError(f"{len(places)} {PATCH_TOKEN} placeholders, but {num_vectors} visual tokens")
        if not num_vectors:
            return embedded
        self._check_spans(ids.flatten(), places, [len(vectors) for vectors in visual])
        replaced = embedded.flatten(0, -2).index_copy(0, places, torch.cat(list(visual)).to(embedded.dtype))
        return replaced.view_as(embedded)

    def _check_spans(self, flat_ids: Tensor, places: Tensor, lengths: list[int]) -> None:
        """Each visual fills one span: placeholders only, and all of them."""
        starts, ends = ((flat_ids == token).nonzero()[:, 0].tolist() for token in (self.start_id, self.end_id))
        spans = list(zip(starts, ends, strict=False))
        inside = [place for start, end in spans for place in range(start + 1, end)]
        if inside != places.tolist():
            raise ValueError(f"{PATCH_TOKEN} stands elsewhere than between {START_TOKEN} and {END_TOKEN}")
        found = [end - start - 1 for start, end in spans]
        if found != lengths:
            raise ValueError(f"spans of {found} placeholders, but {lengths} visual tokens")

    def forward(self, inputs_embeds: Tensor, attention_mask: Tensor | None = None, **options: Any) -> Any:
        """Run the language model over embeddings [B, L, H] and an attention mask [B, L] or boolean [B, 1, L, W].

        Options are passed on: ``labels`` [B, L] (-100 is ignored) adds the loss to the output, next to its logits.
        """
        is_eager = self.llm.config._attn_implementation == "eager"
        if is_eager and attention_mask is not None and attention_mask.ndim == 4 and attention_mask.dtype == torch.bool:
            attention_mask = _additive(attention_mask, inputs_embeds.dtype)
        return self.llm(inputs_embeds=inputs_embeds, attention_mask=attention_mask, **options)


def as_tensor(tokens_ND: npt.NDArray[np.float16]) -> Tensor:
    """Stored visual tokens as a tensor that does not share read-only memory."""
    return torch.from_numpy(np.array(tokens_ND))


def _additive(is_seen: Tensor, dtype: torch.dtype) -> Tensor:
    """A boolean attention mask as eager attention takes it: zero where a token is seen, else the lowest number."""
    return torch.zeros(is_seen.shape, dtype=dtype, device=is_seen.device).masked_fill(~is_seen, torch.finfo(dtype).min)


def _token_id(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    if token not in tokenizer.get_vocab():
        raise ModelLoadError(f"the tokenizer does not know {token}: add {PATCH_TOKEN}, {START_TOKEN} and {END_TOKEN}")
    return tokenizer.get_vocab()[token]


def _load_projection(path: Path) -> tuple[nn.Linear, nn.Embedding]:
    tensors = load_file(path)
    weight = tensors["projector.weight"]
    projector = nn.Linear(weight.shape[1], weight.shape[0])
    projector.load_state_dict({"weight": weight, "bias": tensors["projector.bias"]})
    positions = nn.Embedding(NUM_POSITIONS, weight.shape[1])
    positions.load_state_dict({"weight": tensors["position_embedding.weight"]})
    return projector, positions
