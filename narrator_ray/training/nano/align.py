"""The Q-Former learns to tell what is seen; the model that narration is trained from is written."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import torch

from narrator_ray.model.embedded import save_projection
from narrator_ray.model.model_dir import NUM_POSITIONS, ModelDirectory, seal_model_directory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.qformer import load_qformer, save_qformer
from narrator_ray.training.alignment import Aligner, AlignmentLoop, AlignmentSettings, word_embeddings
from narrator_ray.training.nano.draw import frames_of, untrained
from narrator_ray.training.nano.settings import NanoSettings
from narrator_ray.training.nano.work import log, replace_file, tell

_POSITION_WAVES = 16
_POSITION_SCALE = 0.3
"""Length of a first position embedding, beside a query token's of one."""


def align(settings: NanoSettings) -> None:
    """Train the Q-Former, and write the model that the narration stage starts from."""
    base = untrained(settings)
    narrator = VideoNarrator.load(base.path)
    words = word_embeddings(narrator.tokenizer, narrator.token_embedding)
    aligner = Aligner(load_qformer(base.qformer_path).train(), words, settings.alignment)
    held_out, frames = frames_of(settings, "validation"), frames_of(settings, "train")
    loop = AlignmentLoop(aligner, frames, settings.alignment)
    checkpoint = settings.work / "alignment.pt"
    if checkpoint.is_file():
        loop.restore(torch.load(checkpoint, weights_only=True))
    began_s = time.monotonic()
    for loss in loop.run():
        replace_file(checkpoint, loop.state())
        figures = {name: round(share, 3) for name, share in aligner.accuracies(held_out).items()}
        log(settings.work, "alignment", {"epoch": loop.epoch, "loss": round(loss, 4), "validation": figures})
    tell(f"align: {time.monotonic() - began_s:.0f} s")
    _write_aligned(settings, base, aligner)


def _write_aligned(settings: NanoSettings, base: ModelDirectory, aligner: Aligner) -> None:
    target = settings.work / "aligned"
    (target / "narrator.json").unlink(missing_ok=True)
    target.mkdir(exist_ok=True)
    for part in ("llm", "vision"):
        if not (target / part).exists():
            (target / part).symlink_to((base.path / part).resolve(), target_is_directory=True)
    save_qformer(aligner.qformer, target / "qformer")
    projector = aligner.projector
    weights = (projector.weight.detach().numpy(), projector.bias.detach().numpy())
    save_projection(target, *weights, first_positions(base.spec.vision.dim, settings.alignment))
    spec = base.spec
    seal_model_directory(target, name="nano", languages=spec.languages, vision=spec.vision, is_trained=False)


def first_positions(dim: int, settings: AlignmentSettings) -> npt.NDArray[np.float32]:
    """A smooth way through the space of tokens: places near each other begin alike."""
    rng = np.random.default_rng(settings.seed)
    waves = np.cos(np.pi * np.arange(_POSITION_WAVES) * np.arange(NUM_POSITIONS)[:, None] / (NUM_POSITIONS - 1))
    positions = waves @ rng.standard_normal((_POSITION_WAVES, dim)) / (_POSITION_WAVES / 2) ** 0.5
    first_PD: npt.NDArray[np.float32] = (_POSITION_SCALE * settings.token_scale * positions).astype(np.float32)
    return first_PD
