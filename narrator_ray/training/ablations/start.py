"""Where all variants begin: a preset's language model, tower and Q-Former, and a projector that knows words already.

The preset's own projector, position embedding and LoRA are not taken: they were trained with everything the ablations
take away. The Q-Former is, as the paper takes BLIP-2's: it learnt to tell what is seen, and no variant changes it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from narrator_ray.model.embedded import save_projection
from narrator_ray.model.model_dir import SPEC_FILE, ModelDirectory, open_model_directory, seal_model_directory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.training.ablations.films import SeenFilm
from narrator_ray.training.alignment import ATTRIBUTES, AlignmentSettings, class_names, word_embeddings
from narrator_ray.training.nano.align import first_positions

_RIDGE = 1e-3
"""Weight of the projector's size beside what it is to fit, as a share of the tokens' mean square."""


def aligned_start(base: ModelDirectory, films: Sequence[SeenFilm], target: Path) -> ModelDirectory:
    """The model directory that every variant is trained from, made once.

    Args:
        base: The preset's.
        films: To fit the projector to.
        target: Where to put it.
    """
    if (target / SPEC_FILE).is_file():
        return open_model_directory(target)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for part in ("llm", "vision", "qformer"):
        (target / part).symlink_to((base.path / part).resolve(), target_is_directory=True)
    narrator = VideoNarrator.load(base.path, use_adapter=False)
    words = word_embeddings(narrator.tokenizer, narrator.token_embedding)
    weight_HD, bias_H = fitted_projector(*tokens_and_words(films, words))
    spec = base.spec
    positions_PD = first_positions(spec.vision.dim, AlignmentSettings())
    save_projection(target, weight_HD.numpy(), bias_H.numpy(), positions_PD)
    return seal_model_directory(
        target, name="aligned", languages=spec.languages, vision=spec.vision, is_trained=False, prompt=spec.prompt
    )


def tokens_and_words(films: Sequence[SeenFilm], words: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Query tokens [N, D] that show an attribute, and the embeddings [N, H] of the words for it."""
    tokens, targets = list[Tensor](), list[Tensor]()
    for seen in films:
        tokens_TQD = torch.from_numpy(seen.features.tokens_TQD).float()
        shots = [seen.film.storyboard.shots[index] for index in seen.features.clip_index_T.tolist()]
        for query, values in enumerate(zip(*((s.form, s.colour, s.scene, s.motion) for s in shots), strict=True)):
            names = class_names()[query]
            tokens.append(tokens_TQD[:, query])
            targets.append(words[query][[names.index(value) for value in values]])
    assert len(words) == len(ATTRIBUTES)
    return torch.cat(tokens), torch.cat(targets)


def fitted_projector(tokens_ND: Tensor, words_NH: Tensor) -> tuple[Tensor, Tensor]:
    """Weight [H, D] and bias [H] of the linear layer that turns tokens into words best, by ridge regression."""
    mean_D, mean_H = tokens_ND.double().mean(dim=0), words_NH.double().mean(dim=0)
    centred_ND, centred_NH = tokens_ND - mean_D, words_NH - mean_H
    gram_DD = centred_ND.T @ centred_ND
    ridge = _RIDGE * gram_DD.diagonal().mean() * torch.eye(len(gram_DD), dtype=gram_DD.dtype)
    weight_DH = torch.linalg.solve(gram_DD + ridge, centred_ND.T @ centred_NH)
    return weight_DH.T.float().contiguous(), (mean_H - mean_D @ weight_DH).float()
